/**
 * Holds calls back so that a device's quotas (calls per second of its own operations, the adapter's data) are obeyed across all items of
 * the run. Two roles that are bound to one device share its quotas.
 */
import type { ActionSpec, DeviceDescription } from '../adapters/adapter.ts';
import type { CallClock } from './call-clock.ts';

export class RateLimiter {
  readonly #clock: CallClock;
  readonly #interruption: Promise<void>;
  readonly #next = new Map<string, number>();

  /** `interruption`: ends every wait at once. */
  constructor(clock: CallClock, interruption: Promise<void>) {
    this.#clock = clock;
    this.#interruption = interruption;
  }

  /** Calls are spaced evenly, in the order they come. Resolves early at an interruption: whoever waits has to look. */
  async acquire(spec: ActionSpec, device: DeviceDescription): Promise<void> {
    const limits = limitsOf(spec, device);
    if (limits.length === 0) return;
    const now = this.#clock.now();
    const at = Math.max(now, ...limits.map(({ name }) => this.#next.get(name) ?? 0));
    // Each from its own queue's end: who waits long for one quota must not hold the others back meanwhile.
    for (const { name, spanMs } of limits) this.#next.set(name, Math.max(now, this.#next.get(name) ?? 0) + spanMs);
    if (at > now) await Promise.race([this.#clock.sleep(at - now), this.#interruption]);
  }
}

interface Limit {
  readonly name: string;
  /** What one call of the action takes up of the quota. */
  readonly spanMs: number;
}

function limitsOf(spec: ActionSpec, { serial, capabilities }: DeviceDescription): Limit[] {
  const limits: Limit[] = [];
  for (const [operation, calls] of Object.entries(spec.quotas ?? { [spec.name]: 1 })) {
    const rate = capabilities.rates[operation];
    if (rate !== undefined && rate > 0) limits.push({ name: `${serial}/${operation}`, spanMs: (calls * 1000) / rate });
  }
  return limits;
}
