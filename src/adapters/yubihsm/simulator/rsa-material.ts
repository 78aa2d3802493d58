/** RSA keys of the device: public exponent 65537, two primes of half the modulus each (RFC 8017 §3.2). */
import {
  checkPrimeSync,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { rsaModulusBytes } from '../wire/algorithms.ts';
import { decodeRsaBody, encodeRsaBody, type RsaBody } from '../wire/wrapped-body.ts';
import { bigintOf, bytesOf, inverse } from './ec-curves.ts';

const EXPONENT = 65537n;

/** p|q, each half the modulus. null: not two primes that make a key of this size. */
export function rsaFromPrimes(algorithm: number, primes: Uint8Array): Uint8Array | null {
  const modulusBytes = rsaModulusBytes(algorithm);
  if (modulusBytes === undefined || primes.length !== modulusBytes) return null;
  const half = modulusBytes / 2;
  const [p, q] = [bigintOf(primes.subarray(0, half)), bigintOf(primes.subarray(half))];
  const n = p * q;
  if (n >> BigInt(8 * modulusBytes - 1) !== 1n || p === q || !checkPrimeSync(p) || !checkPrimeSync(q)) return null;
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
  const qinv = inverse(q, p);
  if (d === null || qinv === null) return null;
  const part = (value: bigint): Uint8Array => bytesOf(value, half);
  return encodeRsaBody(algorithm, {
    p: part(p),
    q: part(q),
    dp: part(d % (p - 1n)),
    dq: part(d % (q - 1n)),
    qinv: part(qinv),
    n: bytesOf(n, modulusBytes),
  });
}

export async function generateRsa(algorithm: number): Promise<Uint8Array> {
  const modulusLength = (rsaModulusBytes(algorithm) ?? 0) * 8;
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength, publicExponent: 65537 });
  const material = rsaFromKey(algorithm, privateKey);
  if (material === null) throw new Error('OpenSSL made an RSA key of another shape');
  return material;
}

/** null: another exponent or size, or more than two primes. */
export function rsaFromKey(algorithm: number, key: KeyObject): Uint8Array | null {
  const { p, q, e } = key.export({ format: 'jwk' });
  if (p === undefined || q === undefined || e !== 'AQAB') return null;
  const half = (rsaModulusBytes(algorithm) ?? 0) / 2;
  const primes = [p, q].map((text) => Buffer.from(text, 'base64url'));
  return primes.some((prime) => prime.length !== half) ? null : rsaFromPrimes(algorithm, Buffer.concat(primes));
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function jwkOf(body: RsaBody): JsonWebKey {
  const [p, q] = [bigintOf(body.p), bigintOf(body.q)];
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n)) ?? 0n;
  return {
    kty: 'RSA',
    n: base64url(body.n),
    e: 'AQAB',
    d: base64url(bytesOf(d, body.n.length)),
    p: base64url(body.p),
    q: base64url(body.q),
    dp: base64url(body.dp),
    dq: base64url(body.dq),
    qi: base64url(body.qinv),
  };
}

export const rsaPrivateKey = (algorithm: number, material: Uint8Array): KeyObject =>
  createPrivateKey({ key: jwkOf(decodeRsaBody(algorithm, material)), format: 'jwk' });

export const rsaModulus = (algorithm: number, material: Uint8Array): Uint8Array => decodeRsaBody(algorithm, material).n;

export const rsaPublicKey = (modulus: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'RSA', n: base64url(modulus), e: 'AQAB' }, format: 'jwk' });
