/**
 * Which calls have begun and not ended, in the order of the entries. An intent opens its call; an outcome closes it, unless the outcome
 * is `unknown` and nobody has settled it yet.
 */
import type { CallId, Entry } from '../journal.ts';

/** What an entry does to the open calls. */
export type IntentChange = { readonly kind: 'open' } | { readonly kind: 'close'; readonly intentSeq: number } | null;

export class OpenIntents {
  readonly #seqOfCall = new Map<string, number>();

  /** Throws when an intent names a call that is still open: whoever sends a call again must settle it first. */
  apply(seq: number, entry: Entry): IntentChange {
    if (entry.kind === 'intent') {
      const key = callKey(entry.call);
      if (this.#seqOfCall.has(key)) throw new Error(`an intent for the call ${key}, which is still open`);
      this.#seqOfCall.set(key, seq);
      return { kind: 'open' };
    }
    if (entry.kind !== 'outcome' || (entry.result === 'unknown' && !entry.settled)) return null;
    const key = callKey(entry.call);
    const intentSeq = this.#seqOfCall.get(key);
    // Steps that only read have outcomes without intents.
    if (intentSeq === undefined) return null;
    this.#seqOfCall.delete(key);
    return { kind: 'close', intentSeq };
  }

  /** Sequence numbers of the intents that are open, ascending. */
  seqs(): number[] {
    return [...this.#seqOfCall.values()].sort((a, b) => a - b);
  }
}

function callKey(call: CallId): string {
  return `${call.generation}/${call.scope}/${call.item ?? '-'}/${call.step}/${call.attempt}`;
}
