/**
 * What was read of keys a moment ago. An item asks for the same key's attributes in step after step (its fingerprint, a check, the
 * wrapping); on a real device each reading is a round trip. It is no permission: the device itself decides when the key is used.
 */
import type { Handle } from './cryptoki.ts';
import type { KeyFacts } from './key-facts.ts';

/** Longer than an item takes between its first and its last look, far shorter than a run. */
const MAX_AGE_MS = 1_000;
/** More keys than this are never on their way at once; a key that fell out is read once more. */
const MAX_KEYS = 2_048;

export class RecentFacts {
  readonly #now: () => number;
  #facts = new Map<Handle, { readonly facts: KeyFacts; readonly readAtMs: number }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(facts: KeyFacts): void {
    if (this.#facts.size >= MAX_KEYS) this.#facts = new Map();
    this.#facts.set(facts.handle, { facts, readAtMs: this.#now() });
  }

  get(handle: Handle): KeyFacts | undefined {
    const known = this.#facts.get(handle);
    return known !== undefined && this.#now() - known.readAtMs <= MAX_AGE_MS ? known.facts : undefined;
  }

  forget(handle: Handle): void {
    this.#facts.delete(handle);
  }
}
