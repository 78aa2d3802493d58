/** The material of any key object: made from what a command brings, made by the device, checked when it comes in wrapped, and used. */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  ALGORITHM,
  aesKeyBytes,
  ccmWrapKeyBytes,
  ecCoordinateBytes,
  hmacSizes,
  isEc,
  isEd25519,
  isOpaque,
  isRsa,
  isTemplate,
  otpAeadKeyBytes,
  rsaModulusBytes,
} from '../wire/algorithms.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { decodeHmacBody } from '../wire/wrapped-body.ts';
import { ecFromKey, ecFromScalar, ecPoint, ecPrivateKey, generateEc, isOnCurve } from './ec-material.ts';
import {
  ed25519FromKey,
  ed25519FromSeed,
  ed25519Point,
  ed25519PrivateKey,
  generateEd25519,
  isEd25519Material,
} from './ed25519-material.ts';
import { generateRsa, rsaFromKey, rsaFromPrimes, rsaModulus, rsaPrivateKey, rsaPublicKey } from './rsa-material.ts';
import type { StoredObject } from './stored-object.ts';
import { NONCE_ID_BYTES } from './yubico-otp.ts';

/** From what `put-asymmetric-key` brings: p|q, d, or the seed. null: no such key. */
export function asymmetricMaterial(algorithm: number, key: Uint8Array): Uint8Array | null {
  if (isRsa(algorithm)) return rsaFromPrimes(algorithm, key);
  if (isEc(algorithm)) return ecFromScalar(algorithm, key);
  return isEd25519(algorithm) ? ed25519FromSeed(key) : null;
}

/** From PKCS#8 DER, which is how asymmetric keys travel alone. null: not a key of this algorithm. */
export function materialFromPkcs8(algorithm: number, der: Uint8Array): Uint8Array | null {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    return null;
  }
  if (isRsa(algorithm)) return key.asymmetricKeyType === 'rsa' ? rsaFromKey(algorithm, key) : null;
  if (isEc(algorithm)) return key.asymmetricKeyType === 'ec' ? ecFromKey(algorithm, key) : null;
  return isEd25519(algorithm) && key.asymmetricKeyType === 'ed25519' ? ed25519FromKey(key) : null;
}

export async function generateAsymmetric(algorithm: number): Promise<Uint8Array | null> {
  if (isRsa(algorithm)) return await generateRsa(algorithm);
  if (isEc(algorithm)) return generateEc(algorithm);
  return isEd25519(algorithm) ? generateEd25519() : null;
}

/** n, X|Y or the Ed25519 point. */
export function publicKeyOf({ type, algorithm, material }: StoredObject): Uint8Array {
  if (type === OBJECT_TYPE['public-wrap-key']) return material;
  if (isRsa(algorithm)) return rsaModulus(algorithm, material);
  return isEc(algorithm) ? ecPoint(algorithm, material) : ed25519Point(material);
}

const parsed = new WeakMap<StoredObject, KeyObject>();

/** Of an asymmetric key or an RSA wrap key. null: an Ed25519 key whose seed is not known. */
export function privateKeyOf(object: StoredObject): KeyObject | null {
  const known = parsed.get(object);
  if (known !== undefined) return known;
  const { algorithm, material } = object;
  const key = isRsa(algorithm)
    ? rsaPrivateKey(algorithm, material)
    : isEc(algorithm)
      ? ecPrivateKey(algorithm, material)
      : ed25519PrivateKey(material);
  if (key !== null) parsed.set(object, key);
  return key;
}

/** Of an asymmetric key, an RSA wrap key or a public wrap key. */
export function publicKeyObjectOf(object: StoredObject): KeyObject {
  if (isRsa(object.algorithm)) return rsaPublicKey(publicKeyOf(object));
  const key = privateKeyOf(object);
  if (key === null) throw new Error('a public key of an Ed25519 key without a seed was asked for');
  return createPublicKey(key);
}

export const randomKey = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));

/** A modulus of the algorithm's size, odd, with its highest bit set. */
export const isModulus = (algorithm: number, modulus: Uint8Array): boolean =>
  modulus.length === rsaModulusBytes(algorithm) &&
  ((modulus[0] ?? 0) & 0x80) !== 0 &&
  ((modulus.at(-1) ?? 0) & 1) === 1;

const isHmacMaterial = (algorithm: number, material: Uint8Array): boolean => {
  try {
    return decodeHmacBody(algorithm, material).length === hmacSizes(algorithm)?.block;
  } catch {
    return false;
  }
};

function isAsymmetricMaterial(algorithm: number, material: Uint8Array): boolean {
  if (isEd25519(algorithm)) return isEd25519Material(material);
  const bytes = rsaModulusBytes(algorithm) ?? ecCoordinateBytes(algorithm);
  if (bytes === undefined) return false;
  const again = asymmetricMaterial(algorithm, material.subarray(0, bytes));
  return again !== null && Buffer.compare(again, material) === 0;
}

/** Is what came in under wrap a whole object of this type and algorithm? */
export function isMaterial(type: number, algorithm: number, material: Uint8Array): boolean {
  switch (type) {
    case OBJECT_TYPE.opaque:
      return isOpaque(algorithm) && material.length > 0;
    case OBJECT_TYPE['authentication-key']:
      return isAuthenticationMaterial(algorithm, material);
    case OBJECT_TYPE['asymmetric-key']:
      return isAsymmetricMaterial(algorithm, material);
    case OBJECT_TYPE['wrap-key']:
      return isRsa(algorithm)
        ? isAsymmetricMaterial(algorithm, material)
        : material.length === ccmWrapKeyBytes(algorithm);
    case OBJECT_TYPE['hmac-key']:
      return isHmacMaterial(algorithm, material);
    case OBJECT_TYPE.template:
      return isTemplate(algorithm) && material.length > 0;
    case OBJECT_TYPE['otp-aead-key']:
      return material.length - NONCE_ID_BYTES === otpAeadKeyBytes(algorithm);
    case OBJECT_TYPE['symmetric-key']:
      return material.length === aesKeyBytes(algorithm);
    case OBJECT_TYPE['public-wrap-key']:
      return isModulus(algorithm, material);
    default:
      return false;
  }
}

export function isAuthenticationMaterial(algorithm: number, material: Uint8Array): boolean {
  if (algorithm === ALGORITHM['aes128-yubico-authentication']) return material.length === 32;
  return algorithm === ALGORITHM['ecp256-yubico-authentication'] && isOnCurve(ALGORITHM.ecp256, material);
}
