/** The run's machine: every way through it ends, and no state meets an event that it does not take. */
import { describe, expect, it } from 'vitest';
import { createActor, transition } from 'xstate';
import { getSimplePaths } from 'xstate/graph';
import {
  ENDING_EVENTS,
  ENDINGS,
  publicState,
  type RunEffect,
  type RunEvent,
  runMachine,
} from '../../src/workflows/run.machine.ts';

const FINAL = ['paused', 'waiting', 'done', 'failed', 'cancelled'];
/** Whatever an effect may be answered with. */
const STOPS = ['stopped', 'approval.missing', 'refused', 'cancel'] as const;
const ANSWERS: Readonly<Record<RunEffect, readonly RunEvent['type'][]>> = {
  none: [],
  prepare: ['prepared', ...STOPS],
  prove: ['proved', ...STOPS],
  move: ['moved', ...STOPS],
  // A run that cleans up is past being cancelled.
  finish: ['finished', ...STOPS.filter((type) => type !== 'cancel')],
};
const BEGINNINGS: readonly RunEvent['type'][] = ['begin', ...Object.values(ENDING_EVENTS)];
const EVENTS = [...new Set([...BEGINNINGS, ...Object.values(ANSWERS).flat()])].map((type) => ({ type }));

const states = Object.keys(runMachine.config.states ?? {});
const at = (state: string) =>
  runMachine.resolveState({ value: state } as Parameters<typeof runMachine.resolveState>[0]);

function effectOn(from: string, event: RunEvent['type']): { readonly to: string; readonly effect: RunEffect } | null {
  const [next, actions] = transition(runMachine, at(from), { type: event });
  const params = actions.map((action) => (action as { params?: { do?: RunEffect } }).params?.do);
  const [effect] = params;
  return effect === undefined ? null : { to: String(next.value), effect };
}

describe('the run machine', () => {
  const paths = getSimplePaths(runMachine, { events: EVENTS });

  it('has no way that does not lead to an end', () => {
    const reached = new Set(paths.map((path) => String(path.state.value)));
    expect([...reached].sort()).toEqual([...states].sort());
    for (const path of paths) {
      const state = String(path.state.value);
      const isFinal = path.state.status === 'done';
      expect(isFinal, state).toBe(FINAL.includes(state));
      if (isFinal) continue;
      const onward = EVENTS.map(({ type }) => effectOn(state, type)?.to).filter((to) => to !== undefined);
      expect(onward.length, state).toBeGreaterThan(0);
    }
  });

  it('takes every answer that an effect can have', () => {
    const walked = new Set<string>();
    const queue: { readonly state: string; readonly effect: RunEffect }[] = BEGINNINGS.map((event) => {
      const first = effectOn('planned', event);
      if (first === null) throw new Error(`planned does not take ${event}`);
      return { state: first.to, effect: first.effect };
    });
    for (let here = queue.pop(); here !== undefined; here = queue.pop()) {
      if (walked.has(here.state)) continue;
      walked.add(here.state);
      for (const answer of ANSWERS[here.effect]) {
        const next = effectOn(here.state, answer);
        expect(next, `${here.state} takes ${answer}`).not.toBeNull();
        if (next !== null) queue.push({ state: next.to, effect: next.effect });
      }
    }
    expect([...walked].sort()).toEqual(states.filter((state) => state !== 'planned').sort());
  });

  it('never moves a key on the way to failed or cancelled', () => {
    for (const path of paths) {
      const visited = path.steps.map(({ state }) => String(state.value));
      const end = visited.findIndex((state) => state in ENDINGS);
      if (end < 0) continue;
      expect(visited.slice(end)).not.toContain('moving');
      expect(visited.slice(end)).not.toContain('preparing');
    }
  });

  it('cleans up before it is done, failed or cancelled, and never when it pauses', () => {
    for (const path of paths) {
      const state = String(path.state.value);
      const before = path.steps.map((step) => String(step.state.value));
      const hasFinished = before.some((each) => each in ENDINGS);
      if (['done', 'failed', 'cancelled'].includes(state)) expect(hasFinished, before.join(' → ')).toBe(true);
    }
    expect(effectOn('moving', 'stopped')).toEqual({ to: 'paused', effect: 'none' });
  });

  it.each(Object.entries(ENDINGS))('in %s ends as %s', (state, ending) => {
    expect(effectOn(state, 'finished')?.to).toBe(ending);
    expect(effectOn('planned', ENDING_EVENTS[ending])?.to).toBe(state);
    expect(publicState(state)).toBe('finishing');
  });

  it('is the same after a snapshot has been JSON', () => {
    for (const path of paths) {
      const actor = createActor(runMachine).start();
      for (const step of path.steps) if (String(step.event.type) !== 'xstate.init') actor.send(step.event);
      const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as ReturnType<
        typeof actor.getPersistedSnapshot
      >;
      const restored = createActor(runMachine, { snapshot }).start();
      expect(restored.getSnapshot().value).toBe(actor.getSnapshot().value);
      for (const event of EVENTS) {
        if (actor.getSnapshot().status === 'done') break;
        expect(String(transition(runMachine, restored.getSnapshot(), event)[0].value)).toBe(
          String(transition(runMachine, actor.getSnapshot(), event)[0].value),
        );
      }
    }
  });
});
