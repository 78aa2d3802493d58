/** AES-CMAC, RFC 4493 (NIST SP 800-38B), for keys of 16, 24 or 32 bytes: node:crypto has no CMAC. */
import { createCipheriv } from 'node:crypto';

const BLOCK = 16;
const ZERO_IV = new Uint8Array(BLOCK);

/** 16 bytes. */
export function cmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const bits = key.length * 8;
  const subkey = double(createCipheriv(`aes-${bits}-ecb`, key, null).setAutoPadding(false).update(ZERO_IV));
  const isWhole = message.length > 0 && message.length % BLOCK === 0;
  const padded = new Uint8Array(isWhole ? message.length : (Math.floor(message.length / BLOCK) + 1) * BLOCK);
  padded.set(message);
  if (!isWhole) padded[message.length] = 0x80;
  const mask = isWhole ? subkey : double(subkey);
  const last = padded.subarray(padded.length - BLOCK);
  for (let index = 0; index < BLOCK; index += 1) last[index] = (last[index] ?? 0) ^ (mask[index] ?? 0);
  const cipher = createCipheriv(`aes-${bits}-cbc`, key, ZERO_IV).setAutoPadding(false);
  return new Uint8Array(cipher.update(padded).subarray(-BLOCK));
}

/** Multiplication by x in GF(2^128), §2.3. */
function double(block: Uint8Array): Uint8Array {
  const doubled = new Uint8Array(BLOCK);
  for (let index = 0; index < BLOCK; index += 1) {
    doubled[index] = ((block[index] ?? 0) << 1) | ((block[index + 1] ?? 0) >> 7);
  }
  if ((block[0] ?? 0) & 0x80) doubled[BLOCK - 1] = (doubled[BLOCK - 1] ?? 0) ^ 0x87;
  return doubled;
}
