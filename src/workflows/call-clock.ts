/** Time as the engine sees it: waiting, deadlines, jitter. Injected so that tests need not sleep. */
export interface CallClock {
  now(): number;
  /** Resolves after `ms`; `wake` ends every wait at once. */
  sleep(ms: number): Promise<void>;
  random(): number;
}

export function systemClock(): CallClock {
  return {
    now: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => Math.random(),
  };
}

/** Exponential backoff with full jitter, never above a minute. `attempt` counts from 1. */
export function backoffMs(
  retry: { readonly backoff: 'exponential' | 'fixed'; readonly delayMs: number },
  attempt: number,
  random: number,
): number {
  const base = retry.backoff === 'fixed' ? retry.delayMs : retry.delayMs * 2 ** (attempt - 1);
  const capped = Math.min(base, 60_000);
  return Math.round(capped / 2 + (capped / 2) * random);
}
