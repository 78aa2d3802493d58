/** Draws the machines of a playbook: the run, and one item's life. `mermaid` for people, `xstate` for tools. */
import type { Playbook } from '../playbook/model.ts';
import { publicState, runMachine } from './run.machine.ts';
import { type SequenceSpec, sequenceMachine, sequenceStates } from './sequence.machine.ts';

export type GraphFormat = 'mermaid' | 'xstate';

export function playbookGraph(playbook: Playbook, format: GraphFormat): string {
  const spec = itemSpec(playbook);
  if (format === 'xstate') {
    return `${JSON.stringify({ run: runMachine.config, item: sequenceMachine(spec).config }, null, 2)}\n`;
  }
  return [runDiagram(), itemDiagram(spec, playbook)].join('\n');
}

function itemSpec(playbook: Playbook): SequenceSpec {
  return {
    id: 'item',
    steps: playbook.each.map((step) => step.id),
    after: playbook.afterEach.map((step) => step.id),
    onFailure: 'stop',
    undo: true,
  };
}

function runDiagram(): string {
  const lines = ['%% the run', 'stateDiagram-v2', '  [*] --> planned'];
  for (const [name, state] of Object.entries(runMachine.config.states ?? {})) {
    for (const [event, target] of Object.entries((state as { on?: Record<string, string> }).on ?? {})) {
      lines.push(`  ${name} --> ${target}: ${event}`);
    }
    if ((state as { type?: string }).type === 'final') lines.push(`  ${name} --> [*]`);
    if (publicState(name) !== name) lines.push(`  note right of ${name}: shown as ${publicState(name)}`);
  }
  return `${lines.join('\n')}\n`;
}

function itemDiagram(spec: SequenceSpec, playbook: Playbook): string {
  const { initial, states } = sequenceStates(spec);
  const names = new Map(Object.keys(states).map((name, index) => [name, `s${index}`]));
  const id = (name: string): string => names.get(name) ?? name;
  const lines = ['%% one item', 'stateDiagram-v2', `  [*] --> ${id(initial)}`];
  for (const [name, state] of Object.entries(states)) {
    lines.push(`  state "${caption(name, playbook)}" as ${id(name)}`);
    for (const [event, target] of Object.entries(state.on ?? {}))
      lines.push(`  ${id(name)} --> ${id(target)}: ${event}`);
    if (state.type === 'final') lines.push(`  ${id(name)} --> [*]`);
  }
  return `${lines.join('\n')}\n`;
}

function caption(state: string, playbook: Playbook): string {
  const [kind, path = ''] = state.split(':');
  const step = [...playbook.each, ...playbook.afterEach].find((candidate) => candidate.id === path.split('/').at(-1));
  if (kind !== 'work' || step === undefined) return state;
  return `${path} = ${step.target}.${step.action}`;
}
