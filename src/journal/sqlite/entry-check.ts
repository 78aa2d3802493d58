/** Mistakes of whoever appends, found before the entry is numbered. All of them are bugs, so they are plain errors. */
import type { Entry } from '../journal.ts';
import { RUN_SCOPES } from './schema.ts';

/** `items`: how many the plan has. */
export function checkEntry(entry: Entry, items: number): void {
  if (entry.kind === 'run') throw new Error('a journal has one head entry, made with it');
  if (entry.kind === 'item' && !(Number.isInteger(entry.item) && entry.item >= -1 && entry.item < items)) {
    throw new Error(`item ${entry.item} is not in the plan of ${items}`);
  }
  if (entry.kind !== 'intent' && entry.kind !== 'outcome') return;
  // The index of the run's own entries leaves the items' out, and is trusted to hold all calls of these scopes.
  if (RUN_SCOPES.has(entry.call.scope) && (entry.call.item ?? -1) >= 0) {
    throw new Error(`a call in ${entry.call.scope} belongs to no item`);
  }
}
