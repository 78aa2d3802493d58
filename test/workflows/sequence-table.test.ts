import { describe, expect, it } from 'vitest';
import { createActor, transition } from 'xstate';
import {
  SEQUENCE_EVENTS,
  type SequenceEvent,
  type SequenceSpec,
  sequenceMachine,
  VERDICTS,
} from '../../src/workflows/sequence.machine.ts';
import { compileSequence, effectOf, nextState } from '../../src/workflows/sequence-table.ts';

const SPEC: SequenceSpec = {
  id: 'item',
  steps: ['check', 'wrap', 'arrive'],
  after: ['clean', 'log'],
  onFailure: 'stop',
  undo: true,
};
describe.each([
  ['an item', SPEC],
  ['an item without after-each', { ...SPEC, after: [] }],
  ['a finally block', { ...SPEC, onFailure: 'go-on' as const, undo: false, after: [] }],
  ['an empty sequence', { ...SPEC, steps: [] }],
])('the table of %s', (_, spec) => {
  it('says what the machine says, for every state and event', () => {
    const machine = sequenceMachine(spec);
    const table = compileSequence(spec);
    const seen = new Set<string>();
    const queue = [table.initial];
    expect(String(createActor(machine).start().getSnapshot().value)).toBe(table.initial);
    while (queue.length > 0) {
      const state = queue.pop() as string;
      if (seen.has(state)) continue;
      seen.add(state);
      for (const type of SEQUENCE_EVENTS) {
        const [next, actions] = transition(machine, machine.resolveState({ value: state }), { type });
        const target = table.rows.get(state)?.on.get(type);
        if (target === undefined) {
          expect(String(next.value)).toBe(state);
          continue;
        }
        expect(target).toBe(String(next.value));
        expect(actions.map((action) => action.params)).toEqual([effectOf(table, target)]);
        queue.push(target);
      }
    }
    expect(seen.size).toBeGreaterThan(0);
    for (const state of seen) {
      const effect = effectOf(table, state);
      const ends = effect.do === 'end';
      expect(table.rows.get(state)?.on.size === 0).toBe(ends);
    }
  });

  it('reaches an end from every state', () => {
    const table = compileSequence(spec);
    for (const [state] of table.rows) {
      const seen = new Set<string>();
      const queue = [state];
      let canEnd = false;
      while (queue.length > 0) {
        const at = queue.pop() as string;
        if (seen.has(at)) continue;
        seen.add(at);
        if (effectOf(table, at).do === 'end') canEnd = true;
        queue.push(...(table.rows.get(at)?.on.values() ?? []));
      }
      expect(canEnd, state).toBe(true);
    }
  });
});

describe('an item', () => {
  const table = compileSequence(SPEC);
  const walk = (events: readonly SequenceEvent[]): string =>
    events.reduce((state, event) => nextState(table, state, event), table.initial);

  it('goes from step to step, through after-each, to its end', () => {
    expect(walk(['step.done', 'step.done', 'step.done', 'step.done', 'step.done'])).toBe('end:done');
  });

  it('never tries again without settling what is unknown', () => {
    expect(walk(['step.done', 'step.done', 'step.unknown'])).toBe('settle:arrive');
    for (const event of ['step.retry', 'timer.fired', 'step.done'] as const) {
      expect(() => nextState(table, 'settle:arrive', event)).toThrow(/does not take/);
    }
    expect(nextState(table, 'settle:arrive', 'settled.absent')).toBe('wait:arrive');
    expect(nextState(table, 'wait:arrive', 'timer.fired')).toBe('work:arrive');
  });

  it('undoes a failed item before its after-each', () => {
    expect(walk(['step.done', 'step.failed'])).toBe('undo');
    expect(nextState(table, 'undo', 'undone')).toBe('work:failed/clean');
    expect(nextState(table, 'undo', 'undo.failed')).toBe('work:attention/clean');
  });

  it('keeps its verdict whatever after-each does', () => {
    for (const verdict of VERDICTS) {
      const end = nextState(table, nextState(table, `work:${verdict}/clean`, 'step.failed'), 'step.failed');
      expect(end).toBe(`end:${verdict}`);
    }
  });

  it('touches nothing more of an item whose call cannot be told apart', () => {
    expect(nextState(table, 'settle:arrive', 'settled.ambiguous')).toBe('work:attention/clean');
  });
});
