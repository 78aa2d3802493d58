/** Wrapping keys whose private half a test holds, so that it can open what a device wrapped, and pairs on a device to be wrapped. */
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto';
import type { Device } from '../../src/adapters/adapter.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import type { WrappedKey } from '../../src/keys/wrapped-key.ts';

/** Never on a device: 2048 bits, and one for payloads that do not fit under those. */
export const OUTSIDE = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const OUTSIDE_LONG = generateKeyPairSync('rsa', { modulusLength: 3072 });

export async function importWrapper(device: Device, pair: { readonly publicKey: KeyObject }): Promise<KeyRef> {
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const { outputs } = await device.perform({
    action: 'import-public-key',
    args: { 'public-key': { kind: 'public-key', pem }, label: 'outside', purpose: 'wrapping' },
  });
  return outputs.key as KeyRef;
}

export interface PairRefs {
  readonly publicKey: KeyRef;
  readonly privateKey: KeyRef;
}

/** `kind`: a curve, or `rsa`. */
export async function makeSigningPair(
  device: Device,
  kind: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<PairRefs> {
  const common = { purpose: 'signing', label: `pair-${kind}`, extractable: true, ...args };
  const { outputs, violations } = await device.perform(
    kind === 'rsa'
      ? { action: 'generate-rsa-key-pair', args: { 'modulus-bits': 2048, ...common } }
      : { action: 'generate-ec-key-pair', args: { curve: kind, ...common } },
  );
  if (violations.length > 0) throw new Error(violations.map(({ message }) => message).join('; '));
  return { publicKey: outputs.public_key as KeyRef, privateKey: outputs.private_key as KeyRef };
}

export async function wrapWith(device: Device, key: KeyRef, wrapper: KeyRef, mechanism: string): Promise<WrappedKey> {
  const args = { key, 'wrapping-key': wrapper, mechanism };
  return (await device.perform({ action: 'wrap-key', args })).outputs.data as WrappedKey;
}

export const openOaep = (wrapped: Uint8Array, privateKey: KeyObject, hash: string): Buffer =>
  privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, wrapped);

/** RSA-OAEP of an AES-256 key, then RFC 5649, by OpenSSL. */
export function openHybrid(wrapped: Uint8Array, privateKey: KeyObject, hash: string): Buffer {
  const modulusBytes = (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const oneUse = openOaep(wrapped.subarray(0, modulusBytes), privateKey, hash);
  const cipher = createDecipheriv('id-aes256-wrap-pad', oneUse, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([cipher.update(wrapped.subarray(modulusBytes)), cipher.final()]);
}

/** SubjectPublicKeyInfo of what PKCS#8 bytes hold. */
export function publicHalfOf(pkcs8: Uint8Array): Buffer {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
