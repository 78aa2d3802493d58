/**
 * Is this key on the token already, under whatever name? Every secret key is fingerprinted once; afterwards only what came since. Files of
 * one plan with equal bytes are found too: nothing else would keep the same material from being imported twice.
 */
import { type ClearMethod, fingerprintClearKey } from '../../../keys/clear-fingerprint.ts';
import type { ClearKey } from '../../../keys/clear-key.ts';
import { isGone } from '../ckr-errors.ts';
import type { Handle } from '../cryptoki.ts';
import { fingerprintKey, fingerprintMethods } from '../fingerprints.ts';
import { isStill } from '../locate.ts';
import { type ObjectName, parseName } from '../object-index.ts';
import { ENUMERATION_BATCH, type Token } from '../token.ts';

const METHODS: readonly ClearMethod[] = ['encrypt-ecb', 'decrypt-ecb', 'wrap-kw'];
const SEARCHES = new WeakMap<Token, MaterialSearch>();

/** One search for as long as the salt is the same. */
export function materialOn(token: Token, salt: Uint8Array): MaterialSearch {
  const known = SEARCHES.get(token);
  if (known !== undefined && Buffer.compare(known.salt, salt) === 0) return known;
  const search = new MaterialSearch(token, salt);
  SEARCHES.set(token, search);
  return search;
}

class MaterialSearch {
  readonly salt: Uint8Array;
  readonly #token: Token;
  readonly #methods: readonly ClearMethod[];
  /** Handle and name: a handle may come to mean another object. */
  readonly #seen = new Set<string>();
  /** Fingerprint value → the objects that have it. */
  readonly #owners = new Map<string, { readonly handle: Handle; readonly name: ObjectName }[]>();
  /** Fingerprint value → the file that holds it. */
  readonly #files = new Map<string, string>();
  #reading: Promise<void> = Promise.resolve();

  constructor(token: Token, salt: Uint8Array) {
    this.#token = token;
    this.salt = salt;
    const able = fingerprintMethods(token);
    this.#methods = METHODS.filter((method) => able.includes(method));
  }

  /** The object that holds the key; null: none that can be compared. */
  async find(key: ClearKey): Promise<ObjectName | null> {
    this.#reading = this.#reading.then(() => this.#readNew());
    await this.#reading.catch((error) => {
      this.#reading = Promise.resolve();
      throw error;
    });
    for (const value of this.#values(key)) {
      const owner = this.#owners.get(value)?.find(({ handle, name }) => isStill(this.#token, handle, name));
      if (owner !== undefined) return owner.name;
    }
    return null;
  }

  /** The other file of this plan that holds the same key; null: none so far. */
  otherFile(key: ClearKey, path: string): string | null {
    const [value] = this.#values(key);
    if (value === undefined) return null;
    const first = this.#files.get(value) ?? path;
    this.#files.set(value, first);
    return first === path ? null : first;
  }

  #values(key: ClearKey): string[] {
    return this.#methods.flatMap((method) => fingerprintClearKey(key, this.salt, method)?.value ?? []);
  }

  async #readNew(): Promise<void> {
    await this.#token.ensureIndexed();
    const fresh = [...this.#token.index.entries()].filter(
      ([name, handle]) => name.startsWith('secret/') && !this.#seen.has(`${handle}/${name}`),
    );
    for (let start = 0; start < fresh.length; start += ENUMERATION_BATCH) {
      await Promise.all(fresh.slice(start, start + ENUMERATION_BATCH).map((entry) => this.#readOne(...entry)));
      await new Promise(setImmediate);
    }
  }

  async #readOne(name: string, handle: Handle): Promise<void> {
    const value = await this.#valueAt(handle);
    this.#seen.add(`${handle}/${name}`);
    if (value === null) return;
    this.#owners.set(value, [...(this.#owners.get(value) ?? []), { handle, name: parseName(name) }]);
  }

  /** null: it cannot be fingerprinted, or went away meanwhile. */
  async #valueAt(handle: Handle): Promise<string | null> {
    try {
      const facts = this.#token.facts(handle, 'secret');
      return (await fingerprintKey(this.#token, facts, this.salt, this.#methods))?.value ?? null;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}
