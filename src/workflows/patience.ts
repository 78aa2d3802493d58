/** Patience with a busy device, for reads outside of a step: a step has its own retry policy. Never for a call that changes something. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { backoffMs, type CallClock } from './call-clock.ts';

/** Tries of a call that a busy device refused; a step's own `retry` may ask for more or fewer. */
export const TRANSIENT_ATTEMPTS = 6;
export const BACKOFF = { backoff: 'exponential', delayMs: 100 } as const;

/** Rejects with what the last try rejected with; what is not transient is not tried again. */
export async function patiently<T>(clock: Pick<CallClock, 'sleep' | 'random'>, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const isTransient = error instanceof KeyferryError && error.scope === 'transient';
      if (!isTransient || attempt >= TRANSIENT_ATTEMPTS) throw error;
      await clock.sleep(backoffMs(BACKOFF, attempt, clock.random()));
    }
  }
}
