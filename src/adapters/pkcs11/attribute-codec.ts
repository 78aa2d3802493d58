/** Between keyferry's words and PKCS#11's numbers: boolean attributes, classes, key types, CK_ULONG and CK_BBOOL (pkcs11-base v2.40 §4). */
import type { AttributeName } from '../../keys/attributes.ts';
import type { KeyClass, KeyType } from '../../keys/key-spec.ts';
import { CKA, CKK, CKO } from './constants.ts';
import type { Attribute } from './cryptoki.ts';

export const CKA_OF: Readonly<Record<AttributeName, number>> = {
  token: CKA.TOKEN,
  private: CKA.PRIVATE,
  sensitive: CKA.SENSITIVE,
  extractable: CKA.EXTRACTABLE,
  alwaysSensitive: CKA.ALWAYS_SENSITIVE,
  neverExtractable: CKA.NEVER_EXTRACTABLE,
  local: CKA.LOCAL,
  modifiable: CKA.MODIFIABLE,
  copyable: CKA.COPYABLE,
  destroyable: CKA.DESTROYABLE,
  encrypt: CKA.ENCRYPT,
  decrypt: CKA.DECRYPT,
  sign: CKA.SIGN,
  verify: CKA.VERIFY,
  wrap: CKA.WRAP,
  unwrap: CKA.UNWRAP,
  derive: CKA.DERIVE,
  trusted: CKA.TRUSTED,
  wrapWithTrusted: CKA.WRAP_WITH_TRUSTED,
};

export const CKO_OF: Readonly<Record<KeyClass, number>> = {
  secret: CKO.SECRET_KEY,
  public: CKO.PUBLIC_KEY,
  private: CKO.PRIVATE_KEY,
};

const TYPES: ReadonlyMap<number, KeyType> = new Map<number, KeyType>([
  [CKK.AES, 'aes'],
  [CKK.DES3, 'des3'],
  [CKK.GENERIC_SECRET, 'generic-secret'],
  [CKK.RSA, 'rsa'],
  [CKK.EC, 'ec'],
]);
const NUMBERS: ReadonlyMap<KeyType, number> = new Map([...TYPES].map(([number, type]) => [type, number]));

export const keyTypeOf = (ckk: number): KeyType => TYPES.get(ckk) ?? 'other';

/** undefined for `other`: such a key cannot be made, only listed. */
export const ckkOf = (type: KeyType): number | undefined => NUMBERS.get(type);

/** CK_ULONG in the port's form: 8 bytes, little-endian. */
export function ulongBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** Reads 4 or 8 bytes; modules say "unavailable" with all bits set, which reads as NaN. */
export function ulongOf(bytes: Uint8Array | null): number {
  if (bytes === null || bytes.length === 0 || bytes.every((byte) => byte === 0xff)) return Number.NaN;
  let value = 0;
  for (let index = bytes.length - 1; index >= 0; index -= 1) value = value * 256 + (bytes[index] ?? 0);
  return value;
}

const TRUE = new Uint8Array([1]);
const FALSE = new Uint8Array([0]);

export const boolAttribute = (type: number, value: boolean): Attribute => ({ type, value: value ? TRUE : FALSE });
export const ulongAttribute = (type: number, value: number): Attribute => ({ type, value: ulongBytes(value) });

/** undefined: the object has not this attribute. */
export function boolOf(bytes: Uint8Array | null): boolean | undefined {
  return bytes === null || bytes.length === 0 ? undefined : bytes[0] !== 0;
}

export const hexOf = (bytes: Uint8Array | null): string =>
  bytes === null || bytes.length === 0 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
