/** What an earlier process began and did not end, for a run that is cancelled: such items are finished, or parked where that is not possible. */
import type { KeyferryError } from '../errors/keyferry-error.ts';
import type { EntryScope } from '../journal/journal.ts';
import { CANARY_ITEM, hasPassed } from './canary.ts';
import { roleOf } from './item-runner.ts';
import type { RunContext } from './run-environment.ts';

const ITEM_SCOPES: readonly EntryScope[] = ['canary', 'each', 'after-each'];

/** Indexes of the items, the canary among them. */
export function begunItems(run: RunContext): Set<number> {
  const begun = new Set<number>();
  for (const { entry } of run.journal.entries({ kinds: ['intent', 'item'], scopes: ITEM_SCOPES })) {
    if (entry.kind === 'intent' && entry.call.item !== null && entry.call.generation === run.generation)
      begun.add(entry.call.item);
    if (entry.kind === 'item') begun.delete(entry.item);
  }
  if (hasPassed(run)) begun.delete(CANARY_ITEM);
  return begun;
}

/** Nothing more is done with them, and the operator is told why. */
export async function parkItems(run: RunContext, items: ReadonlySet<number>, why: KeyferryError): Promise<void> {
  for (const item of items) {
    if (item === CANARY_ITEM) {
      run.leftovers.add(roleOf(run), 'the throw-away key of the canary', why.message);
      continue;
    }
    await run.journal.append({
      kind: 'item',
      item,
      state: 'needs-attention',
      reason: `it was begun and could not be finished: ${why.message}`,
      target: null,
      verification: null,
      error: why.toRecord(),
    });
  }
}
