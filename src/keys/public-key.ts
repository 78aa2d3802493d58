/**
 * RSA public keys as they travel between steps (PEM of SubjectPublicKeyInfo, RFC 5280 §4.1.2.7) and as PKCS#11 holds them (modulus and
 * exponent). Other key types are left out: no device here wraps under them.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { KeyferryError } from '../errors/keyferry-error.ts';

export interface PublicKey {
  readonly kind: 'public-key';
  readonly pem: string;
}

export interface RsaNumbers {
  /** Big-endian, without leading zeros. */
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export function isPublicKey(value: unknown): value is PublicKey {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { kind?: unknown }).kind === 'public-key' &&
    typeof (value as { pem?: unknown }).pem === 'string'
  );
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function trimmed(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start === -1 ? new Uint8Array(0) : bytes.subarray(start);
}

/** SubjectPublicKeyInfo (DER). Throws `argument-invalid` when the numbers are no RSA key. */
export function spkiFromRsa(numbers: RsaNumbers): Uint8Array {
  // OpenSSL takes an empty modulus without complaint.
  if (modulusBits(numbers.modulus) < 512 || trimmed(numbers.exponent).length === 0) {
    throw new KeyferryError('argument-invalid', 'The modulus and exponent are not an RSA public key.');
  }
  const jwk = { kty: 'RSA', n: base64url(trimmed(numbers.modulus)), e: base64url(trimmed(numbers.exponent)) };
  try {
    return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }));
  } catch (cause) {
    throw new KeyferryError('argument-invalid', 'The modulus and exponent are not an RSA public key.', { cause });
  }
}

/** Throws `argument-invalid` when it is no RSA public key. */
export function rsaFromSpki(spki: Uint8Array): RsaNumbers {
  const jwk = parsed(() => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })).export({
    format: 'jwk',
  });
  if (jwk.kty !== 'RSA' || typeof jwk.n !== 'string' || typeof jwk.e !== 'string') {
    throw new KeyferryError('argument-invalid', `The public key is not RSA but ${jwk.kty ?? 'of an unknown type'}.`);
  }
  return {
    modulus: new Uint8Array(Buffer.from(jwk.n, 'base64url')),
    exponent: new Uint8Array(Buffer.from(jwk.e, 'base64url')),
  };
}

/** DER of a PEM `PUBLIC KEY`. Throws `argument-invalid`; a private key is refused, not reduced to its public half. */
export function spkiFromPem(pem: string): Uint8Array {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new KeyferryError('argument-invalid', 'A private key was given where a public key is wanted.');
  }
  return new Uint8Array(parsed(() => createPublicKey(pem)).export({ type: 'spki', format: 'der' }));
}

export function pemFromSpki(spki: Uint8Array): string {
  const lines =
    Buffer.from(spki)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
}

/** Lower-case hex; what journal and evidence show, and what a person compares. */
export const spkiSha256 = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex');

export function modulusBits(modulus: Uint8Array): number {
  const digits = trimmed(modulus);
  return digits.length === 0 ? 0 : digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
}

function parsed(parse: () => KeyObject): KeyObject {
  try {
    return parse();
  } catch (cause) {
    throw new KeyferryError(
      'argument-invalid',
      'The public key cannot be read: it is neither PEM nor DER of a public key.',
      {
        cause,
      },
    );
  }
}
