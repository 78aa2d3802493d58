/**
 * What the engine over the simulators is measured against: the same calls of node:crypto in one thread, with nothing planned, journalled
 * or looked up. Per key: OAEP-SHA1 under a cached public key, the private decryption, and on both sides the KCV's block and the two
 * blocks of the fingerprint, compared.
 */
import {
  constants,
  createCipheriv,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' } as const;
const ZERO_BLOCK = Buffer.alloc(16);
const TWO_BLOCKS = Buffer.alloc(32, 'keyferry');

const ecb = (key: Uint8Array, data: Uint8Array): Buffer => createCipheriv('aes-256-ecb', key, null).update(data);

function moveKey(key: Uint8Array, publicKey: KeyObject, privateKey: KeyObject): void {
  const wrapped = publicEncrypt({ key: publicKey, ...OAEP }, key);
  const arrived = privateDecrypt({ key: privateKey, ...OAEP }, wrapped);
  const hasSameValue = ecb(key, ZERO_BLOCK).equals(ecb(arrived, ZERO_BLOCK));
  if (!hasSameValue || !ecb(key, TWO_BLOCKS).equals(ecb(arrived, TWO_BLOCKS))) throw new Error('another key arrived');
}

/** Keys per second. Turns the event loop now and then, so that a parent of child processes still hears them. */
export async function runBareOaepLoop(count: number): Promise<number> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = Array.from({ length: 256 }, () => randomBytes(32));
  for (const key of keys.slice(0, 16)) moveKey(key, publicKey, privateKey);
  const start = performance.now();
  for (let index = 0; index < count; index += 1) {
    const key = keys[index % keys.length];
    if (key !== undefined) moveKey(key, publicKey, privateKey);
    if (index % 1024 === 1023) await new Promise(setImmediate);
  }
  return count / ((performance.now() - start) / 1000);
}
