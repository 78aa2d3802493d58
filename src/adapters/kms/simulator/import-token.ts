/**
 * The import token: everything that ImportKeyMaterial must know again, the wrapping key's private half included, under a key of this
 * simulator. So tokens survive a restart and nothing is kept for those that are never used.
 */
import { createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { refuse } from './service-error.ts';

export interface ImportToken {
  /** Told apart by it. */
  readonly nonce: string;
  readonly keyId: string;
  readonly algorithm: string;
  /** Milliseconds since the epoch. */
  readonly validToMs: number;
  /** base64 of PKCS#8 DER. */
  readonly privateKey: string;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const tokenKey = (secret: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'keyferry simulated import token', 32));

export function sealToken(secret: Buffer, token: ImportToken): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', tokenKey(secret), iv);
  const body = Buffer.concat([cipher.update(JSON.stringify(token), 'utf8'), cipher.final()]);
  return Buffer.concat([iv, body, cipher.getAuthTag()]);
}

/** Throws ServiceError `InvalidImportTokenException` for what this simulator did not give out. */
export function openToken(secret: Buffer, sealed: Uint8Array): ImportToken {
  const bytes = Buffer.from(sealed);
  if (bytes.length <= IV_BYTES + TAG_BYTES) return refuse('InvalidImportTokenException');
  const decipher = createDecipheriv('aes-256-gcm', tokenKey(secret), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const body = bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES);
    return JSON.parse(Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')) as ImportToken;
  } catch {
    return refuse('InvalidImportTokenException');
  }
}

export const wrappingKeyOf = (token: ImportToken): KeyObject =>
  createPrivateKey({ key: Buffer.from(token.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
