/**
 * RSA and EC keys between PKCS#11's components (big-endian integers, DER parameters) and the DER that node:crypto reads: SPKI for public
 * keys, PKCS#8 for private keys. Through JWK, whose members are the same components in base64url.
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto';
import { curveOfParameters, isDerPoint, parametersOf, pointOf, spkiFromPoint } from '../../../keys/curve.ts';
import { CURVES } from '../../../keys/key-spec.ts';
import { CKA, CKK } from '../constants.ts';
import type { ValueList } from './value-list.ts';

const JWK_MEMBER: Readonly<Record<number, 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'>> = {
  [CKA.MODULUS]: 'n',
  [CKA.PUBLIC_EXPONENT]: 'e',
  [CKA.PRIVATE_EXPONENT]: 'd',
  [CKA.PRIME_1]: 'p',
  [CKA.PRIME_2]: 'q',
  [CKA.EXPONENT_1]: 'dp',
  [CKA.EXPONENT_2]: 'dq',
  [CKA.COEFFICIENT]: 'qi',
};

export const RSA_PRIVATE_COMPONENTS = [
  CKA.MODULUS,
  CKA.PUBLIC_EXPONENT,
  CKA.PRIVATE_EXPONENT,
  CKA.PRIME_1,
  CKA.PRIME_2,
  CKA.EXPONENT_1,
  CKA.EXPONENT_2,
  CKA.COEFFICIENT,
] as const;

const SAMPLE = Buffer.from('do the components belong together');

const bytesOf = (base64url: string | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(base64url ?? '', 'base64url'));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function withoutLeadingZeros(integer: Uint8Array): Uint8Array {
  let start = 0;
  while (start < integer.length - 1 && integer[start] === 0) start += 1;
  return integer.subarray(start);
}

/** CKA_MODULUS and the like of a private key; CKA_VALUE is the scalar of an EC key. Null when the key has no such component. */
export function privateComponent(key: KeyObject, type: number): Uint8Array | null {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'EC') return type === CKA.VALUE ? bytesOf(jwk.d) : null;
  const member = JWK_MEMBER[type];
  return member === undefined ? null : bytesOf(jwk[member]);
}

/** The components that a public or private key object shows to everybody. */
export function publicComponents(
  key: KeyObject,
): { readonly keyType: number; readonly values: ReadonlyMap<number, Uint8Array> } | null {
  const isPublic = key.type === 'public';
  const type = key.asymmetricKeyType;
  if (type !== 'rsa' && type !== 'ec') return null;
  const jwk = key.export({ format: 'jwk' });
  const values = new Map<number, Uint8Array>();
  if (type === 'rsa') {
    values.set(CKA.MODULUS, bytesOf(jwk.n));
    values.set(CKA.PUBLIC_EXPONENT, bytesOf(jwk.e));
    if (isPublic) values.set(CKA.MODULUS_BITS, modulusBitsValue(key));
    return { keyType: CKK.RSA, values };
  }
  const curve = CURVES.find((candidate) => candidate === jwk.crv);
  if (curve === undefined) return null;
  values.set(CKA.EC_PARAMS, parametersOf(curve));
  if (isPublic) values.set(CKA.EC_POINT, pointOf(bytesOf(jwk.x), bytesOf(jwk.y)));
  return { keyType: CKK.EC, values };
}

function modulusBitsValue(key: KeyObject): Uint8Array {
  const value = Buffer.alloc(8);
  value.writeUInt32LE(key.asymmetricKeyDetails?.modulusLength ?? 0, 0);
  return value;
}

/** Null when the components are no key. */
function parse(jwk: JsonWebKey, kind: 'public' | 'private'): KeyObject | null {
  try {
    return kind === 'public'
      ? createPublicKey({ key: jwk, format: 'jwk' })
      : createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    return null;
  }
}

export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): KeyObject | null {
  return parse(
    { kty: 'RSA', n: textOf(withoutLeadingZeros(modulus)), e: textOf(withoutLeadingZeros(exponent)) },
    'public',
  );
}

/** `values` holds RSA_PRIVATE_COMPONENTS. */
export function rsaPrivateKey(values: ValueList): KeyObject | null {
  const jwk: JsonWebKey = { kty: 'RSA' };
  for (const type of RSA_PRIVATE_COMPONENTS) {
    const value = values.get(type);
    const member = JWK_MEMBER[type];
    if (value === undefined || member === undefined) return null;
    jwk[member] = textOf(withoutLeadingZeros(value));
  }
  const key = parse(jwk, 'private');
  return key !== null && isConsistent(key) ? key : null;
}

/** OpenSSL takes any numbers: only use shows that they belong together. */
function isConsistent(key: KeyObject): boolean {
  try {
    return verify('sha256', SAMPLE, createPublicKey(key), sign('sha256', SAMPLE, key));
  } catch {
    return false;
  }
}

/** As a sound device takes it: with the OCTET STRING around the point. */
export function ecPublicKey(params: Uint8Array, point: Uint8Array): KeyObject | null {
  const curve = curveOfParameters(params);
  if (curve === undefined || !isDerPoint(curve, point)) return null;
  try {
    return createPublicKey({ key: Buffer.from(spkiFromPoint(curve, point)), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

/** PKCS#8 DER, as CKM_*_KEY_WRAP carries private keys. Null when it is none, or of a kind that is not simulated. */
export function privateKeyFromPkcs8(der: Uint8Array): KeyObject | null {
  try {
    const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    return publicComponents(key) === null ? null : key;
  } catch {
    return null;
  }
}
