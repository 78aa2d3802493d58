/** Keys made by node for tests of the simulated YubiHSM; RSA ones once per process, since they take time. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';

const made = new Map<string, KeyObject>();

export function aPrivateKey(kind: 'rsa2048' | 'rsa3072' | 'rsa4096'): KeyObject {
  const known = made.get(kind);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(3)) });
  made.set(kind, privateKey);
  return privateKey;
}

/** p|q, as the device takes RSA keys. */
export function primesOf(key: KeyObject): Uint8Array {
  const { p = '', q = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from(p, 'base64url'), Buffer.from(q, 'base64url')]);
}

export const modulusOf = (key: KeyObject): Uint8Array =>
  Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url');
