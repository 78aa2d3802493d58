/**
 * The state machine of a sequence of steps: one item's life (`each`, undo, `after-each`), and likewise the `prepare`, `canary` and `finally`
 * blocks. States name what is going on; entry actions describe an effect, which the runner carries out and answers with an event. No
 * invokes and no delays: a restored machine must never start a call again by itself.
 *
 *   work:<step> ──step.done──▶ next          settle:<step>: ask the device what an unanswered call did
 *        │ step.unknown ▶ settle:<step>      wait:<step>:   until the retry's time has come
 *        │ step.retry   ▶ wait:<step>        undo:          take back what a failed item created
 *        │ step.renew   ▶ work:<the step where what it takes begins>
 */
import { createMachine } from 'xstate';

/** What the runner is to do on entering a state. */
export type Effect =
  | { readonly do: 'step'; readonly step: string }
  | { readonly do: 'settle'; readonly step: string }
  | { readonly do: 'wait'; readonly step: string }
  | { readonly do: 'undo' }
  | { readonly do: 'end'; readonly verdict: Verdict };

export const VERDICTS = ['done', 'skipped', 'failed', 'attention'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const SEQUENCE_EVENTS = [
  'step.done',
  'step.skip',
  'step.retry',
  'step.failed',
  'step.unknown',
  'step.renew',
  'settled.done',
  'settled.absent',
  'settled.ambiguous',
  'timer.fired',
  'undone',
  'undo.failed',
] as const;
export type SequenceEvent = (typeof SEQUENCE_EVENTS)[number];

export interface SequenceSpec {
  readonly id: string;
  readonly steps: readonly string[];
  /** Run for every item that started, whatever its end; their failures do not change the verdict. */
  readonly after: readonly string[];
  /** `stop`: the first failure ends the sequence (undoing what it made when `undo`); `go-on`: every step gets its turn. */
  readonly onFailure: 'stop' | 'go-on';
  readonly undo: boolean;
  /** Step → the step to begin again from when what it takes has expired. */
  readonly restarts?: Readonly<Record<string, string>>;
}

interface StateConfig {
  readonly type?: 'final';
  readonly entry: { readonly type: 'effect'; readonly params: Effect };
  readonly on?: Readonly<Partial<Record<SequenceEvent, string>>>;
}

export const stepState = (step: string): string => `work:${step}`;

/** The states of one step that ends in `next`, or in `failed` / `attention` / `skipped` when it does not. */
function stepStates(
  prefix: string,
  step: string,
  to: { next: string; failed: string; attention: string; skipped: string; renew?: string },
): [string, StateConfig][] {
  const name = (kind: string): string => `${kind}:${prefix}${step}`;
  const entry = (params: Effect): StateConfig['entry'] => ({ type: 'effect', params });
  return [
    [
      name('work'),
      {
        entry: entry({ do: 'step', step }),
        on: {
          'step.done': to.next,
          'step.skip': to.skipped,
          'step.retry': name('wait'),
          'step.failed': to.failed,
          'step.unknown': name('settle'),
          ...(to.renew === undefined ? {} : { 'step.renew': to.renew }),
        },
      },
    ],
    [
      name('settle'),
      {
        entry: entry({ do: 'settle', step }),
        on: {
          'settled.done': to.next,
          // Only a settled absence may be tried again; the runner answers `step.failed` when no attempt is left.
          'settled.absent': name('wait'),
          'settled.ambiguous': to.attention,
          'step.failed': to.failed,
        },
      },
    ],
    [name('wait'), { entry: entry({ do: 'wait', step }), on: { 'timer.fired': name('work') } }],
  ];
}

export function sequenceStates(spec: SequenceSpec): {
  readonly initial: string;
  readonly states: Record<string, StateConfig>;
} {
  const states: Record<string, StateConfig> = {};
  const add = (entries: readonly [string, StateConfig][]): void => {
    for (const [name, state] of entries) states[name] = state;
  };
  // One chain of after-steps per verdict: a flat table needs no memory of how it got there.
  const endOf = (verdict: Verdict): string => `end:${verdict}`;
  const startOfAfter = (verdict: Verdict): string => {
    const first = spec.after[0];
    return first === undefined ? endOf(verdict) : `work:${verdict}/${first}`;
  };
  const failed = spec.undo ? 'undo' : startOfAfter('failed');
  spec.steps.forEach((step, index) => {
    const following = spec.steps[index + 1];
    const next = following === undefined ? startOfAfter('done') : stepState(following);
    const goOn = spec.onFailure === 'go-on';
    const restart = spec.restarts?.[step];
    add(
      stepStates('', step, {
        next,
        failed: goOn ? next : failed,
        attention: goOn ? next : startOfAfter('attention'),
        skipped: goOn ? next : startOfAfter('skipped'),
        ...(restart === undefined ? {} : { renew: stepState(restart) }),
      }),
    );
  });
  if (spec.undo) {
    states.undo = {
      entry: { type: 'effect', params: { do: 'undo' } },
      on: { undone: startOfAfter('failed'), 'undo.failed': startOfAfter('attention') },
    };
  }
  for (const verdict of VERDICTS) {
    spec.after.forEach((step, index) => {
      const following = spec.after[index + 1];
      const next = following === undefined ? endOf(verdict) : `work:${verdict}/${following}`;
      add(stepStates(`${verdict}/`, step, { next, failed: next, attention: next, skipped: next }));
    });
    states[endOf(verdict)] = { type: 'final', entry: { type: 'effect', params: { do: 'end', verdict } } };
  }
  const first = spec.steps[0];
  return { initial: first === undefined ? startOfAfter('done') : stepState(first), states };
}

export function sequenceMachine(spec: SequenceSpec) {
  const { initial, states } = sequenceStates(spec);
  return createMachine({
    id: spec.id,
    initial,
    states: states as Parameters<typeof createMachine>[0]['states'] & object,
  });
}
