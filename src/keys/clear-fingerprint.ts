/** The fingerprint that a device would give a key, made here from the key in clear, so that file and device can be compared. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { ClearKey } from './clear-key.ts';
import {
  type Fingerprint,
  type FingerprintMethod,
  fingerprintOf,
  PROBE_BLOCKS,
  PROBE_SESSION_KEY,
} from './fingerprint.ts';

/** Those that can be made of a key in clear; the other methods are not needed where these are. */
export type ClearMethod = Extract<FingerprintMethod, 'encrypt-ecb' | 'decrypt-ecb' | 'wrap-kw'>;

/** Initial value of RFC 3394 §2.2.3.1. */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6);

export const isClearMethod = (method: FingerprintMethod): method is ClearMethod =>
  method === 'encrypt-ecb' || method === 'decrypt-ecb' || method === 'wrap-kw';

/** null: this type of key has no such method. */
export function fingerprintClearKey(key: ClearKey, salt: Uint8Array, method: ClearMethod): Fingerprint | null {
  const bytes = key.reveal();
  const ecb = key.type === 'des3' ? 'des-ede3' : `aes-${bytes.length * 8}-ecb`;
  switch (method) {
    case 'encrypt-ecb':
      return fingerprintOf(method, salt, createCipheriv(ecb, bytes, null).setAutoPadding(false).update(PROBE_BLOCKS));
    case 'decrypt-ecb':
      return fingerprintOf(method, salt, createDecipheriv(ecb, bytes, null).setAutoPadding(false).update(PROBE_BLOCKS));
    case 'wrap-kw': {
      if (key.type === 'des3') return null;
      const cipher = createCipheriv(`id-aes${bytes.length * 8}-wrap`, bytes, KEY_WRAP_IV);
      return fingerprintOf(method, salt, cipher.update(PROBE_SESSION_KEY));
    }
  }
}

/** Six hex digits: E(0), of which no more than the KCV's three bytes are kept. */
export function checkValueOfClearKey(key: ClearKey): string {
  const bytes = key.reveal();
  const name = key.type === 'des3' ? 'des-ede3' : `aes-${bytes.length * 8}-ecb`;
  const block = createCipheriv(name, bytes, null)
    .setAutoPadding(false)
    .update(new Uint8Array(key.type === 'des3' ? 8 : 16));
  const value = block.subarray(0, 3).toString('hex');
  block.fill(0);
  return value;
}
