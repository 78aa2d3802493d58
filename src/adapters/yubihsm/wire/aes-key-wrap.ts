/** AES key wrap with padding, RFC 5649, through OpenSSL's `id-aes*-wrap-pad`. Keys of 16, 24 or 32 bytes. */
import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Alternative initial value, RFC 5649 §3. */
const ALTERNATIVE_IV = Buffer.from('a65959a6', 'hex');

const cipherName = (key: Uint8Array): string => `id-aes${key.length * 8}-wrap-pad`;

/** Throws RangeError for an empty payload. */
export function wrapWithPadding(key: Uint8Array, payload: Uint8Array): Uint8Array {
  if (payload.length === 0) throw new RangeError('key wrap of nothing');
  const cipher = createCipheriv(cipherName(key), key, ALTERNATIVE_IV);
  return new Uint8Array(Buffer.concat([cipher.update(payload), cipher.final()]));
}

/** null: not wrapped under this key, or altered. */
export function unwrapWithPadding(key: Uint8Array, wrapped: Uint8Array): Uint8Array | null {
  if (wrapped.length < 16 || wrapped.length % 8 !== 0) return null;
  const cipher = createDecipheriv(cipherName(key), key, ALTERNATIVE_IV);
  try {
    const payload = Buffer.concat([cipher.update(wrapped), cipher.final()]);
    const copy = new Uint8Array(payload);
    payload.fill(0);
    return copy.length === 0 ? null : copy;
  } catch {
    // OpenSSL's error has no code of its own for a failed integrity check.
    return null;
  }
}
