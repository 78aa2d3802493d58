/**
 * Attribute templates of the keys that key_mgmt_util makes: what the user guide shows for genSymKey, genRSAKeyPair and genECCKeyPair. The
 * private half of an RSA pair is not shown there and mirrors the public one.
 */
import { boolAttribute, ulongAttribute } from '../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO } from '../../adapters/pkcs11/constants.ts';
import type { Attribute } from '../../adapters/pkcs11/cryptoki.ts';
import type { Flags } from './flags.ts';

/** By class and type; what is not named is false. */
const USAGE: Readonly<Record<string, readonly number[]>> = {
  [`${CKO.SECRET_KEY}/${CKK.AES}`]: [CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP],
  [`${CKO.SECRET_KEY}/${CKK.DES3}`]: [CKA.ENCRYPT, CKA.DECRYPT],
  [`${CKO.PUBLIC_KEY}/${CKK.RSA}`]: [CKA.ENCRYPT, CKA.WRAP, CKA.VERIFY],
  [`${CKO.PRIVATE_KEY}/${CKK.RSA}`]: [CKA.DECRYPT, CKA.UNWRAP, CKA.SIGN],
  [`${CKO.PUBLIC_KEY}/${CKK.EC}`]: [CKA.VERIFY],
  [`${CKO.PRIVATE_KEY}/${CKK.EC}`]: [CKA.SIGN],
};

/** Usage attributes that the classes have in PKCS#11. */
const USABLE: Readonly<Record<number, readonly number[]>> = {
  [CKO.SECRET_KEY]: [CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.SIGN, CKA.VERIFY],
  [CKO.PUBLIC_KEY]: [CKA.ENCRYPT, CKA.WRAP, CKA.VERIFY],
  [CKO.PRIVATE_KEY]: [CKA.DECRYPT, CKA.UNWRAP, CKA.SIGN],
};

const text = (type: number, value: string): Attribute => ({ type, value: new Uint8Array(Buffer.from(value, 'utf8')) });

export interface KeyKind {
  readonly class: number;
  readonly keyType: number;
}

/** `-l`, `-id`, `-sess` and, but for public keys, `-nex`. */
export function keyTemplate(kind: KeyKind, flags: Flags): Attribute[] {
  const usage = USAGE[`${kind.class}/${kind.keyType}`] ?? [];
  const id = flags.text('id');
  return [
    ulongAttribute(CKA.CLASS, kind.class),
    ulongAttribute(CKA.KEY_TYPE, kind.keyType),
    boolAttribute(CKA.TOKEN, !flags.has('sess')),
    text(CKA.LABEL, flags.text('l') ?? ''),
    ...(id === undefined ? [] : [text(CKA.ID, id)]),
    ...(USABLE[kind.class] ?? []).map((type) => boolAttribute(type, usage.includes(type))),
    ...(kind.class === CKO.PUBLIC_KEY
      ? []
      : [boolAttribute(CKA.SENSITIVE, true), boolAttribute(CKA.EXTRACTABLE, !flags.has('nex'))]),
  ];
}
