import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyWrapFormat } from '../../../../src/adapters/pkcs11/key-wrap-format.ts';

const kek = Buffer.from('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8', 'hex');
const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

/** OpenSSL: RFC 3394 needs its initial value given, RFC 5649 its own. */
function wrap(cipher: string, initial: string, payload: Buffer): Uint8Array {
  const made = createCipheriv(cipher as 'aes-192-cbc', kek, Buffer.from(initial, 'hex'));
  return Buffer.concat([made.update(payload), made.final()]);
}

const decryptBlock = async (block: Uint8Array): Promise<Uint8Array> =>
  createDecipheriv('aes-192-ecb', kek, null).setAutoPadding(false).update(block);

const PKCS5 = Buffer.concat([key, Buffer.alloc(8, 8)]);

describe('which AES key wrap a device makes', () => {
  it.each([
    ['aes-kw', wrap('id-aes192-wrap', 'a6a6a6a6a6a6a6a6', key)],
    ['aes-kwp', wrap('id-aes192-wrap-pad', 'a65959a6', key)],
    ['aes-kw-pkcs5', wrap('id-aes192-wrap', 'a6a6a6a6a6a6a6a6', PKCS5)],
  ])('recognises %s', async (format, wrapped) => {
    const read = await keyWrapFormat(wrapped, key.length, decryptBlock);
    expect(read.format).toBe(format);
    expect(Buffer.from(read.key)).toEqual(key);
  });

  it('recognises RFC 5649 section 6 vectors only where they are whole semiblocks', async () => {
    // 20 bytes under the RFC's KEK: 32 bytes come out, which is no form of 20 bytes plus 8 or 16.
    const vector = Buffer.from('138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a', 'hex');
    expect((await keyWrapFormat(vector, 20, decryptBlock)).format).toBeNull();
  });

  it.each([
    ['another length', Buffer.alloc(48)],
    ['noise of the length of RFC 3394', Buffer.alloc(24, 3)],
    ['noise of the length of a padded wrap', Buffer.alloc(32, 3)],
    ['the key in clear behind a check value', Buffer.concat([Buffer.alloc(8, 0xa6), key])],
  ])('takes %s for none of them', async (_what, wrapped) => {
    expect((await keyWrapFormat(wrapped, key.length, decryptBlock)).format).toBeNull();
  });
});
