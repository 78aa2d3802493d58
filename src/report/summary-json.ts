/** The last line of `run`, `resume` and `status` with --json (architecture §7). Fields may be added, never renamed. */
import type { Counts } from '../journal/journal.ts';
import type { RecordedObject } from './run-record.ts';

export interface RunSummary {
  readonly run: string;
  readonly state: string;
  readonly counts: Counts;
  readonly seconds: number;
  readonly leftovers: readonly RecordedObject[];
}

/** `total` is the sum of the others; a duplicate counts as skipped, with the reason `already-there`. */
export function summaryJson(summary: RunSummary): Readonly<Record<string, unknown>> {
  const { total, migrated, skipped, failed, pending, needsAttention } = summary.counts;
  return {
    run: summary.run,
    state: summary.state,
    summary: { total, migrated, skipped, failed, pending, needsAttention },
    seconds: Math.round(summary.seconds * 1000) / 1000,
    leftovers: summary.leftovers,
  };
}
