/**
 * One token's contents: its PINs with their counters and its token objects, in memory and, with a state folder, in an append-only file.
 * The state file holds key material in clear: it is a simulator's.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { payloadOf, RecordLog } from '../../simulation/record-log.ts';
import { CKA, CKR } from '../constants.ts';
import type { Personality, TokenPersonality } from './personality.ts';
import {
  decodeRecord,
  encodeLogin,
  encodePut,
  encodeRemove,
  encodeToken,
  PackedObject,
  type PinState,
  type Role,
  type TokenState,
} from './record-codec.ts';
import { refuse } from './refusal.ts';
import type { SimulatedObject } from './simulated-object.ts';

/** How stale the view of other processes' changes may be where nothing is looked up, in milliseconds. */
const STALE_MS = 5;

const hashPin = (salt: string, pin: string): string =>
  createHash('sha256').update(salt).update('\0').update(pin).digest('hex');

function newPin(pin: string | null): PinState {
  const salt = randomBytes(16).toString('hex');
  return { salt, hash: pin === null ? null : hashPin(salt, pin), failures: 0 };
}

function bornToken(personality: Personality, token: TokenPersonality): TokenState {
  return {
    format: 1,
    personality: personality.name,
    serial: token.serial,
    user: newPin(token.userPin),
    officer: newPin(token.officerPin),
  };
}

export class Partition {
  readonly objects = new Map<number, PackedObject>();
  readonly #log: RecordLog | null;
  readonly #personality: Personality;
  readonly #maxFailedLogins: number;
  /** Called for every object that comes into view: gives it its place in the handle space. */
  readonly #onNewObject: (object: SimulatedObject) => void;
  /** Objects per class, for the limits. */
  readonly #counts = new Map<number, number>();
  /** `class/id` → objects with it; kept only where ids must be unique. */
  readonly #ids = new Map<string, number>();
  #token: TokenState;
  #freshUntil = 0;

  constructor(
    personality: Personality,
    token: TokenPersonality,
    options: { readonly stateDir: string | null; readonly onNewObject: (object: SimulatedObject) => void },
  ) {
    this.#personality = personality;
    this.#maxFailedLogins = token.maxFailedLogins;
    this.#onNewObject = options.onNewObject;
    this.#token = bornToken(personality, token);
    this.#log = options.stateDir === null ? null : this.#openLog(join(options.stateDir, `${token.serial}.log`));
  }

  #openLog(path: string): RecordLog {
    if (!existsSync(path)) {
      // Written aside and linked, so that no other process ever sees a file without its token.
      const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
      writeFileSync(draft, encodeToken(this.#token), { mode: 0o600 });
      try {
        linkSync(draft, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally {
        unlinkSync(draft);
      }
    }
    return new RecordLog(path, (payload) => this.#apply(payload));
  }

  #apply(payload: Buffer): void {
    const record = decodeRecord(payload);
    if (record.kind === 'token') this.#token = record.token;
    else if (record.kind === 'login') this.#countLogin(record.role, record.isRight);
    else if (record.kind === 'remove') this.#forget(record.uid);
    else this.#remember(record.object);
  }

  #remember(object: PackedObject): void {
    const known = this.objects.get(object.uid);
    if (known === undefined) {
      this.#onNewObject(object);
      this.#count(object, 1);
      this.objects.set(object.uid, object);
      return;
    }
    // Read again, or changed: it keeps its identity, so that handles and parsed keys stay valid.
    this.#count(known, -1);
    known.replaceBy(object);
    this.#count(known, 1);
  }

  #forget(uid: number): void {
    const object = this.objects.get(uid);
    if (object === undefined) return;
    this.objects.delete(uid);
    this.#count(object, -1);
  }

  #count(object: SimulatedObject, change: 1 | -1): void {
    this.#counts.set(object.class, (this.#counts.get(object.class) ?? 0) + change);
    if (!this.#personality.uniqueIds) return;
    const key = idKey(object.class, object.value(CKA.ID));
    if (key !== null) this.#ids.set(key, (this.#ids.get(key) ?? 0) + change);
  }

  /** Sees what other processes did. `lazily`: at most once in 5 ms, for calls that name an object they know already. */
  refresh(lazily = false): void {
    if (this.#log === null) return;
    const now = performance.now();
    if (lazily && now < this.#freshUntil) return;
    this.#log.catchUp();
    this.#freshUntil = now + STALE_MS;
  }

  /** CKR_DEVICE_MEMORY over the limits, the personality's refusal for an id that is taken. */
  checkRoom(cls: number, id: Uint8Array | undefined, more = 1): void {
    for (const limit of this.#personality.keyLimits) {
      if (!limit.classes.includes(cls)) continue;
      const used = limit.classes.reduce((sum, each) => sum + (this.#counts.get(each) ?? 0), 0);
      if (used + more > limit.count) refuse(CKR.DEVICE_MEMORY);
    }
    if (!this.#personality.uniqueIds) return;
    const key = idKey(cls, id);
    if (key !== null && (this.#ids.get(key) ?? 0) > 0) refuse(this.#personality.refusals.duplicateId);
  }

  /** Writes first, remembers then: a device that did not write has nothing. */
  put(object: SimulatedObject): void {
    const record = encodePut(object);
    this.#log?.append(record);
    const packed = new PackedObject(payloadOf(record));
    this.#remember(packed);
    object.index = this.objects.get(packed.uid)?.index ?? packed.index;
  }

  remove(uid: number): void {
    if (!this.objects.has(uid)) return;
    this.#log?.append(encodeRemove(uid));
    this.#forget(uid);
  }

  pin(role: Role): PinState {
    return role === 'user' ? this.#token.user : this.#token.officer;
  }

  isLocked(role: Role): boolean {
    return this.#maxFailedLogins > 0 && this.pin(role).failures >= this.#maxFailedLogins;
  }

  isFinalTry(role: Role): boolean {
    return this.#maxFailedLogins > 0 && this.pin(role).failures === this.#maxFailedLogins - 1;
  }

  /** Counts, durably, before it answers. CKR_PIN_LOCKED, CKR_PIN_INCORRECT, CKR_USER_PIN_NOT_INITIALIZED. */
  checkPin(role: Role, pin: string): void {
    this.refresh();
    const state = this.pin(role);
    if (state.hash === null) refuse(CKR.USER_PIN_NOT_INITIALIZED);
    if (this.isLocked(role)) refuse(CKR.PIN_LOCKED);
    const isRight = hashPin(state.salt, pin) === state.hash;
    if (!isRight || state.failures > 0) this.#recordLogin(role, isRight);
    if (!isRight) refuse(CKR.PIN_INCORRECT);
  }

  /** Counted by reading the record back, so that two processes that fail at once count two. */
  #recordLogin(role: Role, isRight: boolean): void {
    if (this.#log === null) this.#countLogin(role, isRight);
    else this.#log.appendAndRead(encodeLogin(role, isRight));
  }

  #countLogin(role: Role, isRight: boolean): void {
    const state = this.pin(role);
    const next = { ...state, failures: isRight ? 0 : state.failures + 1 };
    this.#token = role === 'user' ? { ...this.#token, user: next } : { ...this.#token, officer: next };
  }

  close(): void {
    this.#log?.close();
  }
}

function idKey(cls: number, id: Uint8Array | undefined): string | null {
  return id === undefined || id.length === 0
    ? null
    : `${cls}/${Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')}`;
}
