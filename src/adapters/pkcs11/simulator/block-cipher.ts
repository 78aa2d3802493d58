/**
 * AES and 3DES through node:crypto: ECB, CBC and CMAC (RFC 4493; NIST SP 800-38B for 3DES). Node 20 has no `des-ecb`; `des-ede3` is
 * three-key EDE in ECB mode.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export type Cipher = 'aes' | 'des3';
export type Direction = 'encrypt' | 'decrypt';

export const BLOCK_BYTES = { aes: 16, des3: 8 } as const;

const ECB_NAMES: Readonly<Record<number, string>> = { 16: 'aes-128-ecb', 24: 'aes-192-ecb', 32: 'aes-256-ecb' };
const CBC_NAMES: Readonly<Record<number, string>> = { 16: 'aes-128-cbc', 24: 'aes-192-cbc', 32: 'aes-256-cbc' };

function run(
  name: string,
  direction: Direction,
  key: Uint8Array,
  iv: Uint8Array | null,
  data: Uint8Array,
  isPadded: boolean,
): Buffer {
  const cipher = direction === 'encrypt' ? createCipheriv(name, key, iv) : createDecipheriv(name, key, iv);
  cipher.setAutoPadding(isPadded);
  const head = cipher.update(data);
  // Whole blocks without padding leave nothing behind: skipping final() saves an allocation per probe.
  return isPadded ? Buffer.concat([head, cipher.final()]) : head;
}

/** `data` is a whole number of blocks. */
export function ecb(cipher: Cipher, direction: Direction, key: Uint8Array, data: Uint8Array): Buffer {
  const name = cipher === 'des3' ? 'des-ede3' : (ECB_NAMES[key.length] ?? '');
  return run(name, direction, key, null, data, false);
}

/** Throws an Error without a code when padded data does not decrypt. */
export function cbc(
  cipher: Cipher,
  direction: Direction,
  options: { readonly key: Uint8Array; readonly iv: Uint8Array; readonly data: Uint8Array; readonly isPadded: boolean },
): Buffer {
  const name = cipher === 'des3' ? 'des-ede3-cbc' : (CBC_NAMES[options.key.length] ?? '');
  return run(name, direction, options.key, options.iv, options.data, options.isPadded);
}

/** Doubling in GF(2^n): shift left, and fold the carry in with 0x87 (16-byte blocks) or 0x1b (8-byte blocks). */
function doubled(block: Uint8Array): Buffer {
  const out = Buffer.alloc(block.length);
  let carry = 0;
  for (let i = block.length - 1; i >= 0; i -= 1) {
    const byte = block[i] ?? 0;
    out[i] = ((byte << 1) | carry) & 0xff;
    carry = byte >> 7;
  }
  if (carry === 1) out[block.length - 1] = (out[block.length - 1] ?? 0) ^ (block.length === 16 ? 0x87 : 0x1b);
  return out;
}

export function cmac(cipher: Cipher, key: Uint8Array, message: Uint8Array): Buffer {
  const size = BLOCK_BYTES[cipher];
  const first = doubled(ecb(cipher, 'encrypt', key, Buffer.alloc(size)));
  const blocks = Math.max(1, Math.ceil(message.length / size));
  const padded = Buffer.alloc(blocks * size);
  padded.set(message);
  const isWhole = message.length === padded.length;
  if (!isWhole) padded[message.length] = 0x80;
  const mask = isWhole ? first : doubled(first);
  const lastAt = padded.length - size;
  for (let i = 0; i < size; i += 1) padded[lastAt + i] = (padded[lastAt + i] ?? 0) ^ (mask[i] ?? 0);
  const chain = cbc(cipher, 'encrypt', { key, iv: Buffer.alloc(size), data: padded, isPadded: false });
  return chain.subarray(chain.length - size);
}
