/** What an earlier process began and did not end, for a run that is cancelled: such items are finished, or parked where that is not possible. */
import type { KeyferryError } from '../errors/keyferry-error.ts';
import type { EntryScope } from '../journal/journal.ts';
import { CANARY_ITEM, hasPassed } from './canary.ts';
import { roleOf } from './item-runner.ts';
import type { RunContext } from './run-environment.ts';

const ITEM_SCOPES: readonly EntryScope[] = ['canary', 'each', 'after-each'];

/** Indexes of the items, the canary among them. */
export async function begunItems(run: RunContext): Promise<Set<number>> {
  const tried = new Set<number>();
  for (const { entry } of run.journal.entries({ kinds: ['intent'], scopes: ITEM_SCOPES })) {
    if (entry.kind === 'intent' && entry.call.item !== null && entry.call.generation === run.generation)
      tried.add(entry.call.item);
  }
  const begun = new Set<number>();
  if (tried.has(CANARY_ITEM) && !hasPassed(run)) begun.add(CANARY_ITEM);
  for await (const { item } of run.journal.items(['pending'])) if (tried.has(item.index)) begun.add(item.index);
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
