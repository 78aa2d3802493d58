/**
 * RSA private decryption, the slow operation of a migration (327 µs for 2048 bits). Shared by the calling thread and the worker.
 * PKCS#1 v1.5 padding is taken off by hand: Node refuses it on OpenSSL builds without implicit rejection.
 */
import { constants, type KeyObject, privateDecrypt } from 'node:crypto';

export type RsaPadding =
  | { readonly kind: 'oaep'; readonly hash: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' }
  | { readonly kind: 'pkcs1' };

/** Null when the ciphertext does not open. */
export function rsaDecrypt(key: KeyObject, padding: RsaPadding, data: Uint8Array): Uint8Array | null {
  try {
    if (padding.kind === 'oaep') {
      return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: padding.hash }, data);
    }
    return withoutPadding(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, data));
  } catch {
    return null;
  }
}

/** 00 02, at least eight non-zero bytes, 00, payload (RFC 8017 §7.2.2). */
function withoutPadding(block: Uint8Array): Uint8Array | null {
  if (block[0] !== 0 || block[1] !== 2) return null;
  const end = block.indexOf(0, 2);
  return end < 10 ? null : block.subarray(end + 1);
}
