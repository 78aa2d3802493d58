/** AES-CCM as wrap keys use it: nonce of 13 bytes, ciphertext, tag of 16, no associated data (NIST SP 800-38C). */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const CCM_NONCE_BYTES = 13;
export const CCM_TAG_BYTES = 16;
export const CCM_OVERHEAD_BYTES = CCM_NONCE_BYTES + CCM_TAG_BYTES;

const ccmName = (key: Uint8Array): 'aes-128-ccm' | 'aes-192-ccm' | 'aes-256-ccm' => {
  switch (key.length) {
    case 16:
      return 'aes-128-ccm';
    case 24:
      return 'aes-192-ccm';
    case 32:
      return 'aes-256-ccm';
    default:
      throw new RangeError(`an AES key of ${key.length} bytes`);
  }
};

export function sealCcm(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(ccmName(key), key, nonce, { authTagLength: CCM_TAG_BYTES });
  const sealed = cipher.update(plaintext);
  cipher.final();
  return new Uint8Array(Buffer.concat([nonce, sealed, cipher.getAuthTag()]));
}

/** null: not sealed under this key, or altered. */
export function openCcm(key: Uint8Array, blob: Uint8Array): Uint8Array | null {
  if (blob.length < CCM_OVERHEAD_BYTES) return null;
  const cipher = createDecipheriv(ccmName(key), key, blob.subarray(0, CCM_NONCE_BYTES), {
    authTagLength: CCM_TAG_BYTES,
  });
  cipher.setAuthTag(blob.subarray(blob.length - CCM_TAG_BYTES));
  try {
    // OpenSSL checks the tag in update, which throws before it gives a byte.
    const plaintext = cipher.update(blob.subarray(CCM_NONCE_BYTES, blob.length - CCM_TAG_BYTES));
    cipher.final();
    return new Uint8Array(plaintext);
  } catch {
    return null;
  }
}
