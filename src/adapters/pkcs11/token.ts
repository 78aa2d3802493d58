/**
 * One token that is logged in, as the actions see it: its module, its sessions, what is on it, and what was learnt of it while running.
 * Quick calls (attributes, look-ups) go through one session of their own; slow ones borrow a session from the pool.
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRef } from '../../keys/key-record.ts';
import { KEY_CLASSES, type KeyClass } from '../../keys/key-spec.ts';
import { boolAttribute, CKO_OF, ulongAttribute } from './attribute-codec.ts';
import { asKeyferryError, type CallContext, isGone } from './ckr-errors.ts';
import { CKA } from './constants.ts';
import type { Attribute, Cryptoki, Handle, TokenInfo } from './cryptoki.ts';
import { type KeyFacts, readCheckValue, readFacts, readName } from './key-facts.ts';
import { type IndexBuild, ObjectIndex, type ObjectName, put } from './object-index.ts';
import type { Pkcs11Profile } from './profile.ts';
import { RecentFacts } from './recent-facts.ts';
import type { SessionKeyWay } from './session-keys.ts';
import type { SessionPool } from './session-pool.ts';
import type { ResolvedWrap } from './wrap-probe.ts';

/** How many objects are read before other work gets its turn. */
export const ENUMERATION_BATCH = 256;

export type TokenOptions = Pick<
  Token,
  'name' | 'module' | 'info' | 'profile' | 'pool' | 'lookups' | 'mechanisms' | 'uniqueIds' | 'settle' | 'isProbing'
>;

export class Token {
  readonly name: string;
  readonly module: Cryptoki;
  readonly info: TokenInfo;
  readonly profile: Pkcs11Profile;
  readonly pool: SessionPool;
  /** The session of the quick calls. */
  readonly lookups: Handle;
  readonly mechanisms: ReadonlySet<number>;
  readonly uniqueIds: boolean;
  readonly settle: { readonly reads: number; readonly intervalMs: number };
  /** Throw-away session keys may be made to find out what mechanisms mean. */
  readonly isProbing: boolean;
  readonly index = new ObjectIndex();
  /** Set once the probe is done. */
  wrap: ReadonlyMap<string, ResolvedWrap> = new Map();
  unwrap: ReadonlyMap<string, ResolvedWrap> = new Map();
  /** How the device can be given a session key of known value; null: not at all. Set once the probe is done. */
  sessionKeyWay: SessionKeyWay | null = null;
  /** The last salt that a call brought: tells keys of one name apart. */
  salt: Uint8Array | null = null;
  /** Fingerprints of keys that share a name, and of those on a target that duplicates are looked for among. */
  readonly fingerprints = new Map<
    Handle,
    { readonly salt: Uint8Array; readonly fingerprint: Fingerprint | null; readonly method: string }
  >();
  /** Mechanisms whose C_UnwrapKey was seen to want, or not to take, CKA_VALUE_LEN. */
  readonly valueLenLearnt = new Map<string, boolean>();
  /** Attributes that the device was seen not to know. */
  readonly unknownAttributes = new Set<number>();
  /** What was read of wrapping keys: they serve thousands of calls. */
  readonly wrappingKeys = new Map<Handle, KeyFacts>();
  readonly #recent = new RecentFacts();
  readonly #arrived = new RecentFacts();
  #refreshing: Promise<void> | null = null;

  constructor(options: TokenOptions) {
    this.name = options.name;
    this.module = options.module;
    this.info = options.info;
    this.profile = options.profile;
    this.pool = options.pool;
    this.lookups = options.lookups;
    this.mechanisms = options.mechanisms;
    this.uniqueIds = options.uniqueIds;
    this.settle = options.settle;
    this.isProbing = options.isProbing;
  }

  get serial(): string {
    return this.info.serial;
  }

  facts(handle: Handle, keyClass: KeyClass, withCheckValue = false): KeyFacts {
    const facts = readFacts(this.module, this.lookups, { handle, keyClass, withCheckValue });
    this.#recent.add(facts);
    return facts;
  }

  /** As read a moment ago, or read now: for the steps that follow each other on one key. */
  recentFacts(handle: Handle, keyClass: KeyClass): KeyFacts {
    return this.#recent.get(handle) ?? this.facts(handle, keyClass);
  }

  /** CKA_CHECK_VALUE, read now when it was not asked for with the facts. */
  shownCheckValue(facts: KeyFacts): string | null {
    return facts.checkValue === undefined ? readCheckValue(this.module, this.lookups, facts.handle) : facts.checkValue;
  }

  nameAt(handle: Handle, keyClass: KeyClass): ObjectName {
    return readName(this.module, this.lookups, handle, keyClass);
  }

  /** Handles of the token objects of a class, asked anew. */
  find(keyClass: KeyClass, narrowed: readonly Attribute[] = []): Handle[] {
    const template = [ulongAttribute(CKA.CLASS, CKO_OF[keyClass]), boolAttribute(CKA.TOKEN, true), ...narrowed];
    return this.module.findObjects(this.lookups, template);
  }

  /** Enumerates once per process; later calls are free. */
  async ensureIndexed(): Promise<void> {
    if (!this.index.isLoaded) await this.refresh();
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#enumerate().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #enumerate(): Promise<void> {
    const build = this.index.begin();
    try {
      for (const keyClass of KEY_CLASSES) {
        const handles = this.find(keyClass);
        for (let start = 0; start < handles.length; start += ENUMERATION_BATCH) {
          for (const handle of handles.slice(start, start + ENUMERATION_BATCH)) this.#list(build, handle, keyClass);
          await new Promise(setImmediate);
        }
      }
      this.index.finish(build);
    } catch (error) {
      this.index.abandon(build);
      throw error;
    }
  }

  /** An object that was deleted since it was found is not listed. */
  #list(build: IndexBuild, handle: Handle, keyClass: KeyClass): void {
    try {
      put(build, this.nameAt(handle, keyClass), handle);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** A key was made and read back just now: its class, type and permissions are known, and its fingerprint is wanted next. */
  expectUse(facts: KeyFacts): void {
    this.#arrived.add(facts);
  }

  /** Facts for one use of a key: only its class, type and permissions are sure to be filled in. */
  factsForUse(handle: Handle, keyClass: KeyClass): KeyFacts {
    const arrived = this.#arrived.get(handle);
    if (arrived === undefined) return this.recentFacts(handle, keyClass);
    this.#arrived.forget(handle);
    return arrived;
  }

  /** The object behind the handle is changed or gone: nothing that was read of it holds any more. */
  forget(handle: Handle): void {
    this.fingerprints.delete(handle);
    this.wrappingKeys.delete(handle);
    this.#recent.forget(handle);
    this.#arrived.forget(handle);
  }

  ref(object: ObjectName, fingerprint: Fingerprint | null = null): KeyRef {
    const { class: keyClass, type, id, label } = object;
    return {
      kind: 'key',
      device: this.name,
      locator: { serial: this.serial, class: keyClass, type, id, label, fingerprint },
    };
  }

  /** Runs `work` and turns what the module throws into the error that operators see. Words are only made for an error. */
  guard<T>(effect: CallContext['effect'], operation: string | (() => string), work: () => Promise<T> | T): Promise<T> {
    const told = (error: unknown): unknown => {
      const words = typeof operation === 'string' ? operation : operation();
      return asKeyferryError(error, { device: this.name, operation: words, effect });
    };
    try {
      const result = work();
      if (!(result instanceof Promise)) return Promise.resolve(result);
      return result.catch((error: unknown) => {
        throw told(error);
      });
    } catch (error) {
      return Promise.reject(told(error));
    }
  }

  fail(code: ConstructorParameters<typeof KeyferryError>[0], message: string, hint?: string): KeyferryError {
    return new KeyferryError(code, `${this.name}: ${message}`, {
      device: this.name,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
