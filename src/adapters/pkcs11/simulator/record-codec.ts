/**
 * The records of a token's state file: the token itself, its PIN counters, its objects. Numbers little-endian. Encoders give whole
 * records, ready to append; the decoder takes what is in one.
 */
import type { KeyObject } from 'node:crypto';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { newRecord, payloadOf, sealRecord } from '../../simulation/record-log.ts';
import type { SimulatedObject } from './simulated-object.ts';
import { ValueList } from './value-list.ts';

export type Role = 'user' | 'officer';

/** Who can log in: PINs are kept as salted hashes, counters count wrong PINs in a row. */
export interface PinState {
  readonly salt: string;
  /** Null: the role has no PIN and cannot log in. */
  readonly hash: string | null;
  readonly failures: number;
}

export interface TokenState {
  readonly format: 1;
  readonly personality: string;
  readonly serial: string;
  readonly user: PinState;
  readonly officer: PinState;
}

export type StoreRecord =
  | { readonly kind: 'token'; readonly token: TokenState }
  | { readonly kind: 'put'; readonly object: PackedObject }
  | { readonly kind: 'remove'; readonly uid: number }
  | { readonly kind: 'login'; readonly role: Role; readonly isRight: boolean };

const KIND = { token: 1, put: 2, remove: 3, login: 4 } as const;
const PUT_HEAD_BYTES = 1 + 8 + 4 + 4 + 4 + 4 + 1 + 2 + 4;

export function encodeToken(token: TokenState): Buffer {
  const text = Buffer.from(JSON.stringify(token), 'utf8');
  const record = newRecord(1 + text.length);
  const bytes = payloadOf(record);
  bytes[0] = KIND.token;
  bytes.set(text, 1);
  return sealRecord(record);
}

/** An attempt to log in: a wrong PIN counts, a right one ends the count. */
export function encodeLogin(role: Role, isRight: boolean): Buffer {
  const record = newRecord(3);
  payloadOf(record).set([KIND.login, role === 'user' ? 0 : 1, isRight ? 1 : 0]);
  return sealRecord(record);
}

export function encodeRemove(uid: number): Buffer {
  const record = newRecord(9);
  const bytes = payloadOf(record);
  bytes[0] = KIND.remove;
  bytes.writeDoubleLE(uid, 1);
  return sealRecord(record);
}

export function encodePut(object: SimulatedObject): Buffer {
  let length = PUT_HEAD_BYTES + object.material.length;
  object.values.each((_type, value) => {
    length += 8 + value.length;
  });
  const record = newRecord(length);
  const bytes = payloadOf(record);
  bytes[0] = KIND.put;
  bytes.writeDoubleLE(object.uid, 1);
  bytes.writeUInt32LE(object.class, 9);
  bytes.writeUInt32LE(object.keyType, 13);
  bytes.writeUInt32LE(object.flags >>> 0, 17);
  bytes.writeInt32LE(object.keyGenMechanism | 0, 21);
  bytes[25] = object.isCheckValueEmpty ? 1 : 0;
  bytes.writeUInt16LE(object.values.size, 26);
  bytes.writeUInt32LE(object.material.length, 28);
  let at = PUT_HEAD_BYTES;
  object.values.each((type, value) => {
    bytes.writeUInt32LE(type, at);
    bytes.writeUInt32LE(value.length, at + 4);
    bytes.set(value, at + 8);
    at += 8 + value.length;
  });
  bytes.set(object.material, at);
  return sealRecord(record);
}

/** Throws KeyferryError `simulator-state` for a record of another format; the log's checksum has passed already. */
export function decodeRecord(bytes: Buffer): StoreRecord {
  switch (bytes[0]) {
    case KIND.token:
      return { kind: 'token', token: decodeToken(bytes.subarray(1).toString('utf8')) };
    case KIND.login:
      return { kind: 'login', role: bytes[1] === 0 ? 'user' : 'officer', isRight: bytes[2] === 1 };
    case KIND.remove:
      return { kind: 'remove', uid: bytes.readDoubleLE(1) };
    case KIND.put:
      return { kind: 'put', object: new PackedObject(bytes) };
    default:
      throw new KeyferryError(
        'simulator-state',
        `the state of a simulated device has a record of unknown kind ${bytes[0]}`,
      );
  }
}

function decodeToken(text: string): TokenState {
  const token = JSON.parse(text) as TokenState;
  if (token.format !== 1) {
    throw new KeyferryError(
      'simulator-state',
      `the state of a simulated device has format ${String(token.format)}, not 1`,
    );
  }
  return token;
}

/**
 * A token object as its record: one buffer in Node's pool instead of a dozen objects, since a device holds hundreds of thousands of keys.
 */
export class PackedObject implements SimulatedObject {
  readonly uid: number;
  index = 0;
  readonly class: number;
  readonly keyType: number;
  flags: number;
  keyObject: KeyObject | null = null;
  readonly session = 0;
  #payload: Buffer;

  constructor(payload: Buffer) {
    this.#payload = payload;
    this.uid = payload.readDoubleLE(1);
    this.class = payload.readUInt32LE(9);
    this.keyType = payload.readUInt32LE(13);
    this.flags = payload.readUInt32LE(17) | 0;
  }

  /** Takes over what another record says of the same object; handle and parsed key stay. */
  replaceBy(other: PackedObject): void {
    this.flags = other.flags;
    this.#payload = other.#payload;
  }

  get keyGenMechanism(): number {
    return this.#payload.readInt32LE(21);
  }

  get isCheckValueEmpty(): boolean {
    return this.#payload[25] === 1;
  }

  get material(): Uint8Array {
    return this.#payload.subarray(this.#payload.length - this.#payload.readUInt32LE(28));
  }

  get values(): ValueList {
    const values = new ValueList();
    this.#find((type, start, end) => {
      values.set(type, this.#payload.subarray(start, end));
      return false;
    });
    return values;
  }

  value(wanted: number): Uint8Array | undefined {
    let found: Uint8Array | undefined;
    this.#find((type, start, end) => {
      if (type === wanted) found = this.#payload.subarray(start, end);
      return type === wanted;
    });
    return found;
  }

  /** Walks over the values until `visit` says that it has what it wants. */
  #find(visit: (type: number, start: number, end: number) => boolean): void {
    let at = PUT_HEAD_BYTES;
    for (let left = this.#payload.readUInt16LE(26); left > 0; left -= 1) {
      const start = at + 8;
      at = start + this.#payload.readUInt32LE(start - 4);
      if (visit(this.#payload.readUInt32LE(start - 8), start, at)) return;
    }
  }
}
