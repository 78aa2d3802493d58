/**
 * The records of a token's state file: the token itself, its PIN counters, its objects. Numbers little-endian. Encoders give whole
 * records, ready to append; the decoder takes what is in one.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { newRecord, payloadOf, sealRecord } from './record-log.ts';
import type { SimulatedObject } from './simulated-object.ts';
import { ValueList } from './value-list.ts';

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
  | { readonly kind: 'put'; readonly object: SimulatedObject }
  | { readonly kind: 'remove'; readonly uid: number };

const KIND = { token: 1, put: 2, remove: 3 } as const;
const PUT_HEAD_BYTES = 1 + 8 + 4 + 4 + 4 + 4 + 1 + 2 + 4;

export function encodeToken(token: TokenState): Buffer {
  const text = Buffer.from(JSON.stringify(token), 'utf8');
  const record = newRecord(1 + text.length);
  const bytes = payloadOf(record);
  bytes[0] = KIND.token;
  bytes.set(text, 1);
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
    case KIND.remove:
      return { kind: 'remove', uid: bytes.readDoubleLE(1) };
    case KIND.put:
      return { kind: 'put', object: decodePut(bytes) };
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

function decodePut(bytes: Buffer): SimulatedObject {
  const count = bytes.readUInt16LE(26);
  const values = new ValueList();
  let at = PUT_HEAD_BYTES;
  for (let i = 0; i < count; i += 1) {
    const type = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    values.set(type, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return {
    uid: bytes.readDoubleLE(1),
    index: 0,
    class: bytes.readUInt32LE(9),
    keyType: bytes.readUInt32LE(13),
    flags: bytes.readUInt32LE(17) | 0,
    keyGenMechanism: bytes.readInt32LE(21),
    isCheckValueEmpty: bytes[25] === 1,
    values,
    material: bytes.subarray(at, at + bytes.readUInt32LE(28)),
    keyObject: null,
    session: 0,
  };
}
