/**
 * What the device's objects are in keyferry's words: class, type, length. An AES key may be a symmetric key or a wrap key, an RSA private key
 * an asymmetric key or a wrap key; the public half of a pair is no object of its own. What is no key at all (opaque, authentication key,
 * template, OTP key) is `secret` of type `other`: it is in the inventory, since it may be backed up, and never found as a key.
 */
import type { Curve, KeyClass, KeyType } from '../../../keys/key-spec.ts';
import {
  ALGORITHM,
  aesKeyBytes,
  ccmWrapKeyBytes,
  ecCoordinateBytes,
  hmacSizes,
  isEc,
  isRsa,
  rsaModulusBytes,
} from '../wire/algorithms.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';

export interface ObjectKind {
  readonly class: KeyClass;
  readonly type: KeyType;
  /** 0 where it is no key. */
  readonly bits: number;
  readonly curve?: Curve;
}

const CURVE_OF: ReadonlyMap<number, Curve> = new Map([
  [ALGORITHM.ecp256, 'P-256'],
  [ALGORITHM.ecp384, 'P-384'],
  [ALGORITHM.ecp521, 'P-521'],
  [ALGORITHM.eck256, 'secp256k1'],
]);

export const CURVE_ALGORITHM: Readonly<Record<Curve, number>> = {
  'P-256': ALGORITHM.ecp256,
  'P-384': ALGORITHM.ecp384,
  'P-521': ALGORITHM.ecp521,
  secp256k1: ALGORITHM.eck256,
};

export const RSA_ALGORITHM: Readonly<Record<number, number>> = {
  2048: ALGORITHM.rsa2048,
  3072: ALGORITHM.rsa3072,
  4096: ALGORITHM.rsa4096,
};

export const AES_ALGORITHM: Readonly<Record<number, number>> = {
  128: ALGORITHM.aes128,
  192: ALGORITHM.aes192,
  256: ALGORITHM.aes256,
};

export const WRAP_ALGORITHM: Readonly<Record<number, number>> = {
  128: ALGORITHM['aes128-ccm-wrap'],
  192: ALGORITHM['aes192-ccm-wrap'],
  256: ALGORITHM['aes256-ccm-wrap'],
};

/** By the length of the MAC, which is the length of the key that the device makes itself. */
export const HMAC_ALGORITHM: Readonly<Record<number, number>> = {
  160: ALGORITHM['hmac-sha1'],
  256: ALGORITHM['hmac-sha256'],
  384: ALGORITHM['hmac-sha384'],
  512: ALGORITHM['hmac-sha512'],
};

function asymmetricKind(keyClass: 'private' | 'public', algorithm: number): ObjectKind {
  if (isRsa(algorithm)) return { class: keyClass, type: 'rsa', bits: (rsaModulusBytes(algorithm) ?? 0) * 8 };
  if (!isEc(algorithm)) return { class: keyClass, type: 'other', bits: algorithm === ALGORITHM.ed25519 ? 256 : 0 };
  const curve = CURVE_OF.get(algorithm);
  const bits = algorithm === ALGORITHM.ecp521 ? 521 : (ecCoordinateBytes(algorithm) ?? 0) * 8;
  return { class: keyClass, type: 'ec', bits, ...(curve === undefined ? {} : { curve }) };
}

/** `isHalf`: the public half of a pair is meant, not the object itself. */
export function kindOf(object: { readonly type: number; readonly algorithm: number }, isHalf = false): ObjectKind {
  const { type, algorithm } = object;
  switch (type) {
    case OBJECT_TYPE['symmetric-key']:
      return { class: 'secret', type: 'aes', bits: (aesKeyBytes(algorithm) ?? 0) * 8 };
    case OBJECT_TYPE['hmac-key']:
      return { class: 'secret', type: 'generic-secret', bits: (hmacSizes(algorithm)?.output ?? 0) * 8 };
    case OBJECT_TYPE['asymmetric-key']:
      return asymmetricKind(isHalf ? 'public' : 'private', algorithm);
    case OBJECT_TYPE['public-wrap-key']:
      return asymmetricKind('public', algorithm);
    case OBJECT_TYPE['wrap-key']:
      return isRsa(algorithm)
        ? asymmetricKind(isHalf ? 'public' : 'private', algorithm)
        : { class: 'secret', type: 'aes', bits: (ccmWrapKeyBytes(algorithm) ?? 0) * 8 };
    default:
      return { class: 'secret', type: 'other', bits: 0 };
  }
}

const KEY_TYPES: readonly number[] = [
  OBJECT_TYPE['asymmetric-key'],
  OBJECT_TYPE['wrap-key'],
  OBJECT_TYPE['hmac-key'],
  OBJECT_TYPE['symmetric-key'],
  OBJECT_TYPE['public-wrap-key'],
];

export const isKeyObject = (type: number): boolean => KEY_TYPES.includes(type);

/** A place where an object of a class and type may be. */
export interface Place {
  readonly objectType: number;
  readonly isHalf: boolean;
}

const place = (objectType: number): Place => ({ objectType, isHalf: false });
const half = (objectType: number): Place => ({ objectType, isHalf: true });

/** Where to look for an object of this class and type. */
export function placesOf(keyClass: KeyClass, type: KeyType): readonly Place[] {
  const { 'asymmetric-key': asymmetric, 'wrap-key': wrap } = OBJECT_TYPE;
  switch (keyClass) {
    case 'private':
      return type === 'rsa' ? [place(asymmetric), place(wrap)] : [place(asymmetric)];
    case 'public':
      return type === 'rsa'
        ? [place(OBJECT_TYPE['public-wrap-key']), half(wrap), half(asymmetric)]
        : [half(asymmetric)];
    case 'secret':
      if (type === 'aes') return [place(OBJECT_TYPE['symmetric-key']), place(wrap)];
      if (type === 'generic-secret') return [place(OBJECT_TYPE['hmac-key'])];
      return [
        OBJECT_TYPE.opaque,
        OBJECT_TYPE['authentication-key'],
        OBJECT_TYPE.template,
        OBJECT_TYPE['otp-aead-key'],
      ].map(place);
  }
}
