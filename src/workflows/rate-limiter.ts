/** Holds calls back so that a device's quotas (calls per second, the adapter's data) are obeyed across all items of the run. */
import type { CallClock } from './call-clock.ts';

export class RateLimiter {
  readonly #clock: CallClock;
  readonly #next = new Map<string, number>();

  constructor(clock: CallClock) {
    this.#clock = clock;
  }

  /** `rate`: calls per second. Calls of one name are spaced evenly, in the order they come. */
  async acquire(name: string, rate: number | undefined): Promise<void> {
    if (rate === undefined || rate <= 0) return;
    const now = this.#clock.now();
    const at = Math.max(now, this.#next.get(name) ?? 0);
    this.#next.set(name, at + 1000 / rate);
    if (at > now) await this.#clock.sleep(at - now);
  }
}
