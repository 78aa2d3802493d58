import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CryptoPool } from '../../../../../src/adapters/pkcs11/simulator/crypto-pool.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const sealed = (text: string, key = pair.publicKey): Buffer =>
  publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, Buffer.from(text));
const SHA1 = { kind: 'oaep', hash: 'sha1' } as const;
const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

const many = (pool: CryptoPool, count: number): Promise<(string | null)[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { publicKey, privateKey } = i % 2 === 0 ? pair : other;
      return text(await pool.decrypt(privateKey, SHA1, sealed(`payload ${i}`, publicKey)));
    }),
  );
const expected = (count: number): string[] => Array.from({ length: count }, (_, i) => `payload ${i}`);

describe('the crypto pool', () => {
  it.each([0, 1, 2])('gives each caller its own answer with %d workers', async (size) => {
    const pool = new CryptoPool(size);
    expect(await many(pool, 300)).toEqual(expected(300));
    expect(await many(pool, 300)).toEqual(expected(300));
    await pool.close();
  });

  it('has workers do their share once they are up, also with keys they have not seen', async () => {
    const pool = new CryptoPool(1);
    for (let round = 0; round < 200 && pool.doneByWorkers === 0; round += 1)
      expect(await many(pool, 20)).toEqual(expected(20));
    expect(pool.doneByWorkers).toBeGreaterThan(0);
    await pool.close();
  });

  it('starts no worker for calls that come one by one', async () => {
    const pool = new CryptoPool(1);
    for (let i = 0; i < 30; i += 1)
      expect(text(await pool.decrypt(pair.privateKey, SHA1, sealed(`${i}`)))).toBe(`${i}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pool.doneByWorkers).toBe(0);
    await pool.close();
  });

  it('says null for what does not open', async () => {
    const pool = new CryptoPool(1);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => pool.decrypt(pair.privateKey, SHA1, Buffer.alloc(256))),
    );
    expect(new Set(results)).toEqual(new Set([null]));
    expect(await pool.decrypt(other.privateKey, SHA1, sealed('x'))).toBeNull();
    await pool.close();
  });

  it('finishes what waits when it is closed, and works on in this thread', async () => {
    const pool = new CryptoPool(2);
    const pending = many(pool, 200);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await pool.close();
    expect(await pending).toEqual(expected(200));
    expect(text(await pool.decrypt(pair.privateKey, SHA1, sealed('after')))).toBe('after');
  });
});
