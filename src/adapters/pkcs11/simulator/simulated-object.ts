/** A key as a simulated device holds it, and what it shows of itself (C_GetAttributeValue). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { CKA, CKK, CKO } from '../constants.ts';
import { attributeRow, CLASS_BIT, FLAG } from './attribute-table.ts';
import { boolValue, ulongValue } from './attribute-values.ts';
import { ecb } from './block-cipher.ts';
import { privateComponent } from './key-components.ts';
import type { ValueList } from './value-list.ts';

export interface SimulatedObject {
  /** The device's own name for it, the same in every process; never shown. */
  readonly uid: number;
  /** Position in this process's handle space. */
  index: number;
  readonly class: number;
  readonly keyType: number;
  /** Bits of the boolean attributes. */
  flags: number;
  /** CKA_KEY_GEN_MECHANISM; -1 (CK_UNAVAILABLE_INFORMATION) for keys that were not made here. */
  readonly keyGenMechanism: number;
  /** CKA_CHECK_VALUE is shown with length 0, as SoftHSM does for unwrapped keys. */
  readonly isCheckValueEmpty: boolean;
  /** Attributes that are neither boolean nor derived: label, id, modulus, templates, … May be decoded anew by every access. */
  readonly values: ValueList;
  /** Secret key: its bytes. Private key: PKCS#8 DER. Public key: SubjectPublicKeyInfo DER. */
  readonly material: Uint8Array;
  /** Parsed once. */
  keyObject: KeyObject | null;
  /** Session that a session object dies with; 0 for token objects. */
  readonly session: number;
  /** One of `values`, without decoding the others; a view that must not leave the module. */
  value(type: number): Uint8Array | undefined;
}

/** An object in parts: on its way to the device, or living in a session. */
export class LooseObject implements SimulatedObject {
  readonly uid: number;
  index: number;
  readonly class: number;
  readonly keyType: number;
  flags: number;
  readonly keyGenMechanism: number;
  readonly isCheckValueEmpty: boolean;
  readonly values: ValueList;
  readonly material: Uint8Array;
  keyObject: KeyObject | null;
  readonly session: number;

  constructor(parts: Omit<SimulatedObject, 'value'>) {
    this.uid = parts.uid;
    this.index = parts.index;
    this.class = parts.class;
    this.keyType = parts.keyType;
    this.flags = parts.flags;
    this.keyGenMechanism = parts.keyGenMechanism;
    this.isCheckValueEmpty = parts.isCheckValueEmpty;
    this.values = parts.values;
    this.material = parts.material;
    this.keyObject = parts.keyObject;
    this.session = parts.session;
  }

  value(type: number): Uint8Array | undefined {
    return this.values.get(type);
  }
}

const NOTHING = new Uint8Array(0);
const UNAVAILABLE = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255);

export const has = (object: SimulatedObject, flag: number): boolean => (object.flags & flag) !== 0;

/** Public or private key, parsed once. */
export function asymmetricKey(object: SimulatedObject): KeyObject {
  if (object.keyObject === null) {
    const der = Buffer.from(object.material);
    object.keyObject =
      object.class === CKO.PUBLIC_KEY
        ? createPublicKey({ key: der, format: 'der', type: 'spki' })
        : createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  }
  return object.keyObject;
}

/** First three bytes of the encrypted zero block (pkcs11-base §4.7.2); null for keys that have none. */
export function checkValue(keyType: number, material: Uint8Array): Uint8Array | null {
  if (keyType === CKK.AES) return new Uint8Array(ecb('aes', 'encrypt', material, Buffer.alloc(16)).subarray(0, 3));
  if (keyType === CKK.DES3) return new Uint8Array(ecb('des3', 'encrypt', material, Buffer.alloc(8)).subarray(0, 3));
  return null;
}

/** Components that a sensitive or unextractable key does not show. */
const GUARDED_COMPONENTS: ReadonlySet<number> = new Set([
  CKA.VALUE,
  CKA.PRIVATE_EXPONENT,
  CKA.PRIME_1,
  CKA.PRIME_2,
  CKA.EXPONENT_1,
  CKA.EXPONENT_2,
  CKA.COEFFICIENT,
]);

/** The value as bytes of the caller's own, `sensitive` when the key does not show it, null when the object has no such attribute. */
export function readAttribute(object: SimulatedObject, type: number): Uint8Array | 'sensitive' | null {
  const row = attributeRow(type);
  if (row === undefined || (row.classes & (CLASS_BIT[object.class] ?? 0)) === 0) return null;
  if (row.bit >= 0) return boolValue((object.flags & (1 << row.bit)) !== 0);
  if (GUARDED_COMPONENTS.has(type)) return readComponent(object, type);
  switch (type) {
    case CKA.CLASS:
      return ulongValue(object.class);
    case CKA.KEY_TYPE:
      return ulongValue(object.keyType);
    case CKA.KEY_GEN_MECHANISM:
      return object.keyGenMechanism < 0 ? UNAVAILABLE.slice() : ulongValue(object.keyGenMechanism);
    case CKA.VALUE_LEN:
      return object.keyType === CKK.DES3 ? null : ulongValue(object.material.length);
    case CKA.CHECK_VALUE:
      return object.isCheckValueEmpty ? NOTHING : checkValue(object.keyType, object.material);
    case CKA.LABEL:
    case CKA.ID:
      return new Uint8Array(object.value(type) ?? NOTHING);
    default:
      return copied(object.value(type));
  }
}

/** Never Buffer's own slice(), which is a view. */
const copied = (value: Uint8Array | undefined): Uint8Array | null =>
  value === undefined ? null : new Uint8Array(value);

function readComponent(object: SimulatedObject, type: number): Uint8Array | 'sensitive' | null {
  if (has(object, FLAG.SENSITIVE) || !has(object, FLAG.EXTRACTABLE)) return 'sensitive';
  if (object.class === CKO.SECRET_KEY) return type === CKA.VALUE ? new Uint8Array(object.material) : null;
  return privateComponent(asymmetricKey(object), type);
}
