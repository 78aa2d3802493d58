/**
 * How long the moves may take. Rate limits are facts of the devices; the speed of a device without one is a guess by its trust, and the
 * plan says so. Left out: prepare, finally, waiting for approvals, and the keys' own sizes.
 */
import type { ActionSpec, BoundDevice, Trust } from '../adapters/adapter.ts';
import type { Playbook, Scope } from '../playbook/model.ts';
import { mayRun } from './preview-arguments.ts';

/** Guesses, keys per second: a simulated device and a software token share this machine's processors, hardware has them per session. */
const GUESSED_KEYS_PER_SECOND: Readonly<Record<Trust, number>> = { simulated: 2_000, software: 100, hardware: 20 };

export interface Estimate {
  /** Rounded to tenths. */
  readonly seconds: number;
  /** The same for people, with what sets the pace; null when nothing moves. */
  readonly inWords: string | null;
}

/** `scope`: the playbook's inputs, so that a step which they leave out costs nothing. */
export function estimate(
  moves: number,
  playbook: Playbook,
  scope: Scope,
  devices: ReadonlyMap<string, BoundDevice>,
): Estimate {
  const steps = [...playbook.each, ...playbook.afterEach].filter((step) => mayRun(step, scope));
  let perKey = 0;
  let boundBy = '';
  let isQuota = false;
  const consider = (seconds: number, reason: string, isOfQuota = false): void => {
    if (seconds > perKey) {
      perKey = seconds;
      boundBy = reason;
      isQuota = isOfQuota;
    }
  };
  for (const [role, bound] of devices) {
    const { trust, capabilities } = bound.description;
    const here = steps.filter((step) => step.target === role);
    if (here.length === 0) {
      continue;
    }
    for (const [operation, rate] of Object.entries(capabilities.rates)) {
      if (rate <= 0) continue;
      const calls = here.reduce((sum, { spec }) => sum + callsOf(operation, spec), 0);
      const many = calls === 1 ? '' : `, and a key takes ${calls}`;
      const reason = `${operation} (${bound.settings.name} allows ${inWords(rate)}${many})`;
      consider(calls / rate, reason, true);
    }
    const guess = GUESSED_KEYS_PER_SECOND[trust];
    if (trust === 'hardware') {
      const sessions = Math.max(1, Math.min(capabilities.sessions, playbook.policy.concurrency));
      consider(
        1 / (guess * sessions),
        `a guess of ${guess} keys per second in each of ${sessions} sessions on ${bound.settings.name}`,
      );
    } else {
      consider(1 / guess, `a guess of ${guess} keys per second for ${bound.settings.name}, which is ${trust}`);
    }
  }
  if (moves === 0) return { seconds: 0, inWords: null };
  const seconds = Math.max(0.1, Math.round(moves * perKey * 10) / 10);
  return {
    seconds,
    inWords: isQuota
      ? `${counted(moves)}: at least ${atLeast(seconds)}, bound by ${boundBy}`
      : `the estimate of ${seconds} s rests on ${boundBy}`,
  };
}

const counted = (keys: number): string => `${keys.toLocaleString('en-US')} key${keys === 1 ? '' : 's'}`;

const atLeast = (seconds: number): string =>
  seconds < 120
    ? `${seconds < 10 ? seconds : Math.round(seconds)} s`
    : `${Math.round(seconds / 60).toLocaleString('en-US')} minutes`;

const callsOf = (operation: string, spec: ActionSpec): number => (spec.quotas ?? { [spec.name]: 1 })[operation] ?? 0;

/** Calls per second; of fewer than one, the seconds of each. */
const inWords = (rate: number): string =>
  rate < 1 ? `one call in ${Math.round(10 / rate) / 10} s` : `${rate} calls per second`;
