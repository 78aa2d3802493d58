/** One item of a run as `status --items --json` and the JSON report show it (architecture §7). Fields may be added, never renamed. */
import type { StoredItem } from '../journal/journal.ts';

interface TargetView {
  readonly locator: unknown;
  readonly kcv: unknown;
}

/** A target is journalled as a key reference, or with a KCV beside its locator. */
export function targetOf(stored: StoredItem): TargetView | null {
  const { target } = stored;
  if (typeof target !== 'object' || target === null || !('locator' in target)) return null;
  return { locator: target.locator, kcv: 'kcv' in target ? (target.kcv ?? null) : null };
}

export function itemJson(stored: StoredItem): Readonly<Record<string, unknown>> {
  const { item } = stored;
  const { source } = item;
  return {
    key: item.key,
    label: item.label,
    ...(source.kind === 'key' && source.record.labelIsHex ? { labelHex: source.record.label } : {}),
    state: stored.state,
    reason: stored.reason,
    source:
      source.kind === 'key'
        ? { locator: source.record.locator, kcv: source.record.kcv }
        : { locator: null, kcv: null, path: source.path, size: source.size },
    target: targetOf(stored),
    verification: stored.verification,
    error: stored.error,
  };
}
