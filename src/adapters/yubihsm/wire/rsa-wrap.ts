/**
 * CKM_RSA_AES_KEY_WRAP (PKCS#11 v2.40 current mechanisms §2.1.21): a one-use AES key under RSA-OAEP, as long as the modulus, then the payload
 * under that key with AES key wrap with padding (RFC 5649). The device's RSA wrapped exports and keys are such blobs.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { unwrapWithPadding, wrapWithPadding } from './aes-key-wrap.ts';
import { type OaepParameters, oaepDecrypt, oaepEncrypt } from './oaep.ts';

export interface RsaWrapParts {
  readonly encryptedKey: Uint8Array;
  readonly wrappedPayload: Uint8Array;
}

/** Shortest AES key wrap with padding: one block. */
const SHORTEST_PAYLOAD = 16;

/** Views. null: too short, or the second part is not whole semiblocks. */
export function splitRsaWrap(blob: Uint8Array, modulusBytes: number): RsaWrapParts | null {
  const payloadBytes = blob.length - modulusBytes;
  if (payloadBytes < SHORTEST_PAYLOAD || payloadBytes % 8 !== 0) return null;
  return { encryptedKey: blob.subarray(0, modulusBytes), wrappedPayload: blob.subarray(modulusBytes) };
}

export interface RsaWrapOptions {
  readonly publicKey: KeyObject;
  /** Length in bytes of the one-use key: 16, 24 or 32. */
  readonly aesKeyBytes: number;
  readonly oaep: OaepParameters;
}

export function rsaWrap(payload: Uint8Array, options: RsaWrapOptions): Uint8Array {
  const aesKey = randomBytes(options.aesKeyBytes);
  const encryptedKey = oaepEncrypt(options.publicKey, aesKey, options.oaep);
  const wrappedPayload = wrapWithPadding(aesKey, payload);
  aesKey.fill(0);
  return new Uint8Array(Buffer.concat([encryptedKey, wrappedPayload]));
}

/** null: not made for this key with these parameters, or altered. The caller wipes what it gets. */
export function rsaUnwrap(blob: Uint8Array, privateKey: KeyObject, oaep: OaepParameters): Uint8Array | null {
  const parts = splitRsaWrap(blob, (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  const aesKey = parts === null ? null : oaepDecrypt(privateKey, parts.encryptedKey, oaep);
  if (parts === null || aesKey === null) return null;
  const isAesKey = aesKey.length === 16 || aesKey.length === 24 || aesKey.length === 32;
  const payload = isAesKey ? unwrapWithPadding(aesKey, parts.wrappedPayload) : null;
  aesKey.fill(0);
  return payload;
}
