/**
 * Which AES key wrap a device's bytes are: RFC 3394, RFC 5649, or RFC 3394 over PKCS#5 padding. The inverse of W (RFC 3394 §2.2.2) is run
 * here with the device decrypting single blocks under a throw-away key; the check value that comes out tells them apart.
 */
export type KeyWrapFormat = 'aes-kw' | 'aes-kwp' | 'aes-kw-pkcs5';

const IV = 'a6a6a6a6a6a6a6a6';
const ALTERNATIVE_IV = 'a65959a6';

/**
 * `length`: bytes of the wrapped key, a multiple of 8 and at least 16 (RFC 5649 treats one semiblock in another way). The caller checks
 * that the bytes are the key and wipes them.
 */
export async function keyWrapFormat(
  wrapped: Uint8Array,
  length: number,
  decryptBlock: (block: Uint8Array) => Promise<Uint8Array>,
): Promise<{ readonly format: KeyWrapFormat | null; readonly key: Uint8Array }> {
  const extra = wrapped.length - length;
  if (extra !== 8 && extra !== 16) return { format: null, key: new Uint8Array(0) };
  const { check, plain } = await unwrapBlocks(wrapped, decryptBlock);
  const key = plain.subarray(0, length);
  if (extra === 16) {
    const isPadded = check === IV && plain.subarray(length).every((byte) => byte === 8);
    return { format: isPadded ? 'aes-kw-pkcs5' : null, key };
  }
  if (check === IV) return { format: 'aes-kw', key };
  const isAlternative = check === ALTERNATIVE_IV + length.toString(16).padStart(8, '0');
  return { format: isAlternative ? 'aes-kwp' : null, key };
}

/** RFC 3394 §2.2.1 with the device encrypting single blocks: wraps a key of 16 to 64 bytes, a multiple of 8. */
export async function wrapBlocks(
  key: Uint8Array,
  encryptBlock: (block: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const count = key.length / 8;
  const plain = Uint8Array.from(key);
  const block = new Uint8Array(16);
  block.set(Buffer.from(IV, 'hex'));
  for (let round = 0; round <= 5; round += 1) {
    for (let index = 1; index <= count; index += 1) {
      block.set(plain.subarray((index - 1) * 8, index * 8), 8);
      block.set(await encryptBlock(block));
      plain.set(block.subarray(8), (index - 1) * 8);
      // As below: the step is smaller than 256.
      block[7] = (block[7] ?? 0) ^ (count * round + index);
    }
  }
  return new Uint8Array([...block.subarray(0, 8), ...plain]);
}

async function unwrapBlocks(
  wrapped: Uint8Array,
  decryptBlock: (block: Uint8Array) => Promise<Uint8Array>,
): Promise<{ readonly check: string; readonly plain: Uint8Array }> {
  const count = wrapped.length / 8 - 1;
  const plain = wrapped.slice(8);
  const block = new Uint8Array(16);
  block.set(wrapped.subarray(0, 8));
  for (let round = 5; round >= 0; round -= 1) {
    for (let index = count; index >= 1; index -= 1) {
      const step = count * round + index;
      // step is below 256 for keys this short, so it only touches the last byte of the 64-bit counter.
      block[7] = (block[7] ?? 0) ^ step;
      block.set(plain.subarray((index - 1) * 8, index * 8), 8);
      block.set(await decryptBlock(block));
      plain.set(block.subarray(8), (index - 1) * 8);
    }
  }
  return { check: Buffer.from(block.subarray(0, 8)).toString('hex'), plain };
}
