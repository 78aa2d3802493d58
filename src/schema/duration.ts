/** Durations as playbooks and devices files write them: `500ms`, `30s`, `5m`, `2h`. */

export const DURATION_PATTERN = '^[0-9]+(ms|s|m|h)$';
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** setTimeout holds no more than 2³¹−1 ms. */
const MAX_MS = 2 ** 31 - 1;

/** Milliseconds, or undefined when the text is no duration, is zero, or is longer than a timer can hold (24 days). */
export function parseDuration(text: string): number | undefined {
  const match = /^([0-9]{1,10})(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  const durationMs = Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
  return durationMs > 0 && durationMs <= MAX_MS ? durationMs : undefined;
}
