/** A Device over one token: every method of the port, each module error turned into words. What the actions do is in actions/. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../keys/key-record.ts';
import { KEY_CLASSES } from '../../keys/key-spec.ts';
import { ActingDevice } from '../actions/acting-device.ts';
import type {
  ChallengeKind,
  Device,
  DeviceDescription,
  FillRequest,
  FingerprintRequest,
  InventoryQuery,
} from '../adapter.ts';
import { PKCS11_ACTIONS } from './actions/actions.ts';
import { answerChallenge, makeChallenge } from './challenge.ts';
import { asKeyferryError, isGone } from './ckr-errors.ts';
import { fillToken } from './fill.ts';
import { checkValue, fingerprintKey } from './fingerprints.ts';
import type { KeyFacts } from './key-facts.ts';
import { recordOf } from './key-record.ts';
import { inWords, locate, locateNow } from './locate.ts';
import { put } from './object-index.ts';
import { spkiOf } from './public-half.ts';
import { ENUMERATION_BATCH, type Token } from './token.ts';

export interface Pkcs11DeviceOptions {
  readonly token: Token;
  /** Everything but the free capacity, which changes. */
  readonly description: DeviceDescription;
  /** Keys that fit on the token, null: not known. */
  readonly keyLimit: number | null;
  readonly close: () => Promise<void>;
}

export class Pkcs11Device extends ActingDevice<Token> implements Device {
  readonly #token: Token;
  readonly #options: Pkcs11DeviceOptions;
  readonly fill?: (request: FillRequest) => Promise<number>;

  constructor(options: Pkcs11DeviceOptions) {
    super(options.token, PKCS11_ACTIONS);
    this.#token = options.token;
    this.#options = options;
    if (options.description.trust === 'simulated') {
      this.fill = (request) => this.#token.guard('changing', 'make keys', () => fillToken(this.#token, request));
    }
  }

  async describe(): Promise<DeviceDescription> {
    const { description, keyLimit } = this.#options;
    if (keyLimit === null) return description;
    return await this.#token.guard('reading', 'count the keys', () => {
      const count = KEY_CLASSES.reduce((sum, keyClass) => sum + this.#token.find(keyClass).length, 0);
      return { ...description, capabilities: { ...description.capabilities, capacity: Math.max(0, keyLimit - count) } };
    });
  }

  async *inventory(query: InventoryQuery): AsyncIterable<readonly KeyRecord[]> {
    const token = this.#token;
    const build = token.index.begin();
    const wanted = query.classes ?? KEY_CLASSES;
    if (query.fingerprint !== undefined) token.salt = query.fingerprint.salt;
    let isWhole = false;
    try {
      for (const keyClass of KEY_CLASSES) {
        const handles = token.find(keyClass);
        for (let start = 0; start < handles.length; start += ENUMERATION_BATCH) {
          const facts = handles
            .slice(start, start + ENUMERATION_BATCH)
            .flatMap((handle) => presentFacts(token, handle, keyClass, query.kcv === false));
          for (const key of facts) put(build, key, key.handle);
          if (wanted.includes(keyClass)) yield await Promise.all(facts.map((key) => this.#record(key, query)));
          else await new Promise(setImmediate);
        }
      }
      isWhole = true;
    } catch (error) {
      throw asKeyferryError(error, { device: token.name, operation: 'list the keys', effect: 'reading' });
    } finally {
      // A reader that stopped half way has not seen everything: the index stays as it was.
      if (isWhole) token.index.finish(build);
      else token.index.abandon(build);
    }
  }

  async #record(facts: KeyFacts, query: InventoryQuery): Promise<KeyRecord> {
    const token = this.#token;
    const kcv = query.kcv === false ? token.shownCheckValue(facts) : await checkValue(token, facts);
    const { fingerprint } = query;
    const made =
      fingerprint === undefined ? null : await fingerprintKey(token, facts, fingerprint.salt, fingerprint.methods);
    return recordOf(token, facts, kcv, made);
  }

  async fingerprint(request: FingerprintRequest): Promise<Fingerprint | null> {
    const token = this.#token;
    const { key, salt, methods } = request;
    this.remember(salt);
    return await token.guard(
      'reading',
      () => `fingerprint the ${inWords(key.locator)}`,
      async () =>
        fingerprintKey(
          token,
          token.factsForUse(locateNow(token, key) ?? (await locate(token, key)), key.locator.class),
          salt,
          methods,
        ),
    );
  }

  async challenge(request: { key: KeyRef; kind: ChallengeKind; data: Uint8Array }): Promise<Uint8Array | null> {
    return await this.#withKey('challenge', request.key, (facts) =>
      makeChallenge(this.#token, facts, request.kind, request.data),
    );
  }

  async answer(request: {
    key: KeyRef;
    kind: ChallengeKind;
    challenge: Uint8Array;
    data: Uint8Array;
  }): Promise<boolean | null> {
    return await this.#withKey('challenge', request.key, (facts) => answerChallenge(this.#token, facts, request));
  }

  async read(key: KeyRef, options: { readonly kcv?: boolean } = {}): Promise<KeyRecord> {
    return await this.#withKey('read', key, async (facts) => {
      const kcv = options.kcv === false ? this.#token.shownCheckValue(facts) : await checkValue(this.#token, facts);
      return recordOf(this.#token, facts, kcv, null);
    });
  }

  async publicKey(key: KeyRef): Promise<Uint8Array> {
    return await this.#withKey('read', key, (facts) => spkiOf(this.#token, facts));
  }

  async close(): Promise<void> {
    await this.#options.close();
  }

  protected override remember(salt: Uint8Array | null | undefined): void {
    if (salt !== null && salt !== undefined) this.#token.salt = salt;
  }

  async #withKey<T>(verb: string, key: KeyRef, work: (facts: KeyFacts) => Promise<T> | T): Promise<T> {
    if (key?.locator === undefined) throw new KeyferryError('argument-invalid', 'This is no key of a device.');
    return await this.#token.guard(
      'reading',
      () => `${verb} the ${inWords(key.locator)}`,
      async () => work(this.#token.facts(await locate(this.#token, key), key.locator.class)),
    );
  }
}

/** Nothing for an object that was deleted since it was found. */
function presentFacts(
  token: Token,
  handle: bigint,
  keyClass: (typeof KEY_CLASSES)[number],
  withCheckValue: boolean,
): KeyFacts[] {
  try {
    return [token.facts(handle, keyClass, withCheckValue)];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
