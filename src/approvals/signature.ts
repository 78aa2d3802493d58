/**
 * Signatures as `openssl dgst -sha256 -sign` makes them: RSA PKCS#1 v1.5 (RFC 8017 §8.2) with 2048 bits or more, and ECDSA on P-256 in DER
 * (RFC 3279 §2.2.3). Other keys and curves are refused rather than guessed at.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

const MIN_RSA_BITS = 2048;
/** An RSA-16384 signature in base64 with line breaks is below this. */
export const MAX_SIGNATURE_BYTES = 8192;

export interface ApproverKey {
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** Hex; what the plan pins. */
  readonly sha256: string;
}

/** Null when the bytes are no public key. */
export function readApproverKey(spki: Uint8Array): ApproverKey | null {
  try {
    return approverKey(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
  } catch {
    return null;
  }
}

export function approverKey(key: KeyObject): ApproverKey {
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  return { key, spki, sha256: createHash('sha256').update(spki).digest('hex') };
}

/** Why approvals cannot be signed with this key; null when they can. */
export function keyProblem(key: KeyObject): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits >= MIN_RSA_BITS ? null : `it is RSA with ${bits} bits, and ${MIN_RSA_BITS} is the least`;
  }
  if (type === 'ec') {
    const curve = details?.namedCurve ?? 'an unnamed curve';
    return curve === 'prime256v1' ? null : `it is EC on ${curve}, and only P-256 is taken`;
  }
  return `it is ${type ?? 'of an unknown type'}, and only RSA and EC P-256 are taken`;
}

export function isSignatureOf(text: string, signature: Uint8Array, key: KeyObject): boolean {
  if (keyProblem(key) !== null) return false;
  try {
    return verify('sha256', Buffer.from(text, 'ascii'), key, signature);
  } catch {
    // OpenSSL throws for some bytes that are no signature of this kind and says no to others; both are no.
    return false;
  }
}

/** The bytes of a signature file: as openssl writes them, or as base64 text, which survives a mail. Null for an empty or endless one. */
export function signatureBytes(file: Uint8Array): Uint8Array | null {
  if (file.length === 0 || file.length > MAX_SIGNATURE_BYTES) return null;
  const text = Buffer.from(file).toString('latin1').replace(/\s+/g, '');
  const isBase64 = /^[A-Za-z0-9+/]{64,}={0,2}$/.test(text) && text.length % 4 === 0;
  return isBase64 ? new Uint8Array(Buffer.from(text, 'base64')) : file;
}
