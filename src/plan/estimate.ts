/**
 * How long the moves may take. Rate limits are facts of the devices; the speed of a device without one is a guess by its trust, and the
 * plan says so. Left out: prepare, finally, waiting for approvals, and the keys' own sizes.
 */
import type { BoundDevice, Trust } from '../adapters/adapter.ts';
import type { Playbook } from '../playbook/model.ts';

/** Guesses, keys per second: a simulated device and a software token share this machine's processors, hardware has them per session. */
const GUESSED_KEYS_PER_SECOND: Readonly<Record<Trust, number>> = { simulated: 2_000, software: 100, hardware: 20 };

export interface Estimate {
  /** Rounded to tenths. */
  readonly seconds: number;
  /** What sets the pace; null when nothing moves. */
  readonly boundBy: string | null;
}

export function estimate(moves: number, playbook: Playbook, devices: ReadonlyMap<string, BoundDevice>): Estimate {
  const steps = [...playbook.each, ...playbook.afterEach];
  let perKey = 0;
  let boundBy: string | null = null;
  const consider = (seconds: number, reason: string): void => {
    if (seconds > perKey) {
      perKey = seconds;
      boundBy = reason;
    }
  };
  for (const [role, bound] of devices) {
    const { trust, capabilities } = bound.description;
    const here = steps.filter((step) => step.target === role);
    if (here.length === 0) {
      continue;
    }
    for (const [action, rate] of Object.entries(capabilities.rates)) {
      const calls = here.filter((step) => step.action === action).length;
      consider(calls / rate, `${bound.settings.name} takes ${rate} calls of ${action} per second`);
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
  return moves === 0
    ? { seconds: 0, boundBy: null }
    : { seconds: Math.max(0.1, Math.round(moves * perKey * 10) / 10), boundBy };
}
