/** What a case of the benchmark gives, and how it counts: ratios and medians, because the machine is shared (facts: docs/benchmark.md). */
export interface CaseResult {
  readonly name: string;
  /** Keys moved per second by the engine, null where the case moves none. */
  readonly keysPerSecond: number | null;
  /** What is compared with the goal, in `unit`. */
  readonly ratio: number;
  readonly goal: number;
  readonly better: 'higher' | 'lower';
  readonly unit: 'share' | 'MB' | 'ms';
  readonly isMet: boolean;
  /** Whatever else was measured. */
  readonly detail: Readonly<Record<string, number | readonly number[]>>;
}

export interface CaseOptions {
  readonly keys: number;
  readonly rounds: number;
  /** Folder for tokens and journals; the disk whose fsync is measured. */
  readonly dir: string;
  readonly progress: (text: string) => void;
}

export function caseResult(result: Omit<CaseResult, 'isMet'>): CaseResult {
  const isMet = result.better === 'higher' ? result.ratio >= result.goal : result.ratio <= result.goal;
  return { ...result, ratio: round(result.ratio, 3), isMet };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}

export const round = (value: number, digits = 0): number => Number(value.toFixed(digits));
