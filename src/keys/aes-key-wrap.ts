/**
 * AES key wrapping: RFC 3394 (KW), RFC 5649 (KWP), and KW over PKCS#5 padding. OpenSSL's `id-aes*-wrap` names.
 * A wrapped key that does not open gives null: OpenSSL throws an Error without a code for it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

const KW_IV = Buffer.alloc(8, 0xa6);
const KWP_IV = Buffer.from('a65959a6', 'hex');

const kwName = (key: Uint8Array): string => `id-aes${key.length * 8}-wrap`;
const kwpName = (key: Uint8Array): string => `id-aes${key.length * 8}-wrap-pad`;

function close(name: string, key: Uint8Array, iv: Buffer, payload: Uint8Array): Buffer {
  const cipher = createCipheriv(name, key, iv);
  const head = cipher.update(payload);
  const tail = cipher.final();
  return tail.length === 0 ? head : Buffer.concat([head, tail]);
}

function open(name: string, key: Uint8Array, iv: Buffer, wrapped: Uint8Array): Buffer | null {
  const cipher = createDecipheriv(name, key, iv);
  try {
    const head = cipher.update(wrapped);
    const tail = cipher.final();
    const payload = tail.length === 0 ? head : Buffer.concat([head, tail]);
    return payload.length === 0 ? null : payload;
  } catch {
    return null;
  }
}

/** Null when the payload is not a multiple of 8 bytes or shorter than 16: RFC 3394 has no padding. */
export function wrapKw(key: Uint8Array, payload: Uint8Array): Buffer | null {
  if (payload.length % 8 !== 0 || payload.length < 16) return null;
  return close(kwName(key), key, KW_IV, payload);
}

export function unwrapKw(key: Uint8Array, wrapped: Uint8Array): Buffer | null {
  if (wrapped.length % 8 !== 0 || wrapped.length < 24) return null;
  return open(kwName(key), key, KW_IV, wrapped);
}

/** Null for an empty payload. */
export function wrapKwp(key: Uint8Array, payload: Uint8Array): Buffer | null {
  return payload.length === 0 ? null : close(kwpName(key), key, KWP_IV, payload);
}

export function unwrapKwp(key: Uint8Array, wrapped: Uint8Array): Buffer | null {
  if (wrapped.length % 8 !== 0 || wrapped.length < 16) return null;
  return open(kwpName(key), key, KWP_IV, wrapped);
}

export function wrapKwPkcs5(key: Uint8Array, payload: Uint8Array): Buffer | null {
  const pad = 8 - (payload.length % 8);
  const padded = Buffer.alloc(payload.length + pad, pad);
  padded.set(payload);
  return wrapKw(key, padded);
}

export function unwrapKwPkcs5(key: Uint8Array, wrapped: Uint8Array): Buffer | null {
  const padded = unwrapKw(key, wrapped);
  if (padded === null) return null;
  const pad = padded[padded.length - 1] ?? 0;
  if (pad < 1 || pad > 8 || padded.length <= pad) return null;
  for (const byte of padded.subarray(padded.length - pad)) if (byte !== pad) return null;
  return padded.subarray(0, padded.length - pad);
}
