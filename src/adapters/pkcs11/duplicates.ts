/**
 * What is on the target already: keys of the same material under whatever name, and ids that are taken. The target is read and
 * fingerprinted once for all previews of a plan.
 *
 * When several source keys have equal material, a target object of that material counts for one of them only: first for the key with the
 * same class, type, id and label, else for the next that comes. Source keys beyond that number are to be moved.
 */
import type { FingerprintMethod } from '../../keys/fingerprint.ts';
import type { KeyClass } from '../../keys/key-spec.ts';
import type { Locator } from '../../keys/locator.ts';
import type { Finding } from '../adapter.ts';
import type { Handle } from './cryptoki.ts';
import { fingerprintKey } from './fingerprints.ts';
import { inWords } from './locate.ts';
import { nameOf, type ObjectName, parseName } from './object-index.ts';
import { ENUMERATION_BATCH, type Token } from './token.ts';

interface Copy {
  readonly handle: Handle;
  readonly name: string;
  /** Whom it counts for. */
  claimedBy: string | null;
}

const NO_SALT = new Uint8Array(0);
const SEARCHES = new WeakMap<Token, DuplicateSearch>();

/** One search serves all previews of a plan, for as long as the token does not change. Without a salt nothing is fingerprinted. */
export function duplicatesOn(token: Token, salt: Uint8Array | null): DuplicateSearch {
  const wanted = salt ?? NO_SALT;
  const known = SEARCHES.get(token);
  if (known !== undefined && known.version === token.index.version && Buffer.compare(known.salt, wanted) === 0) {
    return known;
  }
  const search = new DuplicateSearch(token, wanted);
  SEARCHES.set(token, search);
  return search;
}

class DuplicateSearch {
  readonly salt: Uint8Array;
  /** Of the index when the search began: a changed target is searched anew. */
  readonly version: number;
  readonly #token: Token;
  readonly #copies = new Map<string, Copy[]>();
  readonly #searched = new Map<string, Promise<void>>();
  #ids: Map<string, string> | null = null;

  constructor(token: Token, salt: Uint8Array) {
    this.#token = token;
    this.salt = salt;
    this.version = token.index.version;
  }

  /** One list of findings per locator. `ids`: the id that the key is to have on the target. */
  async findings(
    sources: readonly { readonly locator: Locator; readonly arriving: ObjectName }[],
  ): Promise<Finding[][]> {
    for (const { locator } of sources) {
      if (locator.fingerprint !== null && this.salt.length > 0)
        await this.#search(locator.fingerprint.method, locator.class);
    }
    const claims = sources.map(({ locator, arriving }) => this.#claim(locator, arriving, true));
    return sources.map(({ locator, arriving }, index) => {
      const copy = claims[index] ?? this.#claim(locator, arriving, false);
      if (copy !== null) {
        const where = inWords(parseName(copy.name));
        return [{ level: 'duplicate', reason: `already on ${this.#token.name} as ${where}` }];
      }
      return this.#collision(locator, arriving);
    });
  }

  #claim(locator: Locator, arriving: ObjectName, isExact: boolean): Copy | null {
    const { fingerprint } = locator;
    if (fingerprint === null) return null;
    const copies =
      this.#copies.get(`${fingerprint.method}/${locator.class}/${locator.type}/${fingerprint.value}`) ?? [];
    const claimant = nameOf(locator);
    const name = nameOf(arriving);
    const copy = copies.find(
      (candidate) =>
        candidate.claimedBy === claimant || (candidate.claimedBy === null && (!isExact || candidate.name === name)),
    );
    if (copy === undefined) return null;
    copy.claimedBy = claimant;
    return copy;
  }

  #collision(locator: Locator, arriving: ObjectName): Finding[] {
    if (arriving.id === '') return [];
    const taken = this.#takenIds().get(`${arriving.class}/${arriving.id}`);
    if (taken === undefined) return [];
    const kind = locator.fingerprint === null ? 'a key that cannot be compared' : 'another key';
    const reason = `id ${arriving.id} on ${this.#token.name} belongs to ${kind}: ${inWords(parseName(taken))}`;
    return [{ level: this.#token.uniqueIds ? 'block' : 'note', reason }];
  }

  #takenIds(): Map<string, string> {
    if (this.#ids === null) {
      this.#ids = new Map();
      for (const [name] of this.#token.index.entries()) {
        const { class: keyClass, id } = parseName(name);
        if (id !== '') this.#ids.set(`${keyClass}/${id}`, name);
      }
    }
    return this.#ids;
  }

  #search(method: FingerprintMethod, keyClass: KeyClass): Promise<void> {
    const scope = `${method}/${keyClass}`;
    const running = this.#searched.get(scope) ?? this.#fingerprintAll(method, keyClass);
    this.#searched.set(scope, running);
    return running;
  }

  async #fingerprintAll(method: FingerprintMethod, keyClass: KeyClass): Promise<void> {
    const entries = [...this.#token.index.entries()].filter(([name]) => name.startsWith(`${keyClass}/`));
    for (let start = 0; start < entries.length; start += ENUMERATION_BATCH) {
      const batch = entries.slice(start, start + ENUMERATION_BATCH);
      await Promise.all(
        batch.map(async ([name, handle]) => {
          const facts = this.#token.facts(handle, keyClass);
          const fingerprint = await fingerprintKey(this.#token, facts, this.salt, [method]);
          if (fingerprint === null) return;
          const place = `${method}/${keyClass}/${facts.type}/${fingerprint.value}`;
          const copies = this.#copies.get(place) ?? [];
          copies.push({ handle, name, claimedBy: null });
          this.#copies.set(place, copies);
        }),
      );
      await new Promise(setImmediate);
    }
  }
}
