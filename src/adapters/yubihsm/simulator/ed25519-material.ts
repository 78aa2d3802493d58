/** Ed25519 keys as they are stored: expanded, with the seed as long as it is known. */
import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { decodeEd25519Body, encodeEd25519Body } from '../wire/wrapped-body.ts';
import { expandSeed, publicPoint, signExpanded } from './ed25519-expanded.ts';

const SEED_BYTES = 32;
/** RFC 8410 §7: everything before the seed in PKCS#8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export function ed25519FromSeed(seed: Uint8Array): Uint8Array | null {
  if (seed.length !== SEED_BYTES) return null;
  const expanded = expandSeed(seed);
  return encodeEd25519Body({ ...expanded, publicKey: publicPoint(expanded), seed });
}

export function generateEd25519(): Uint8Array {
  const material = ed25519FromSeed(randomBytes(SEED_BYTES));
  if (material === null) throw new Error('a random seed has another length');
  return material;
}

export const ed25519Point = (material: Uint8Array): Uint8Array => decodeEd25519Body(material).publicKey;

/** null: the key came in without its seed. */
export function ed25519PrivateKey(material: Uint8Array): KeyObject | null {
  const { seed } = decodeEd25519Body(material);
  if (seed === null) return null;
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}

export function ed25519FromKey(key: KeyObject): Uint8Array | null {
  const { d } = key.export({ format: 'jwk' });
  return d === undefined ? null : ed25519FromSeed(Buffer.from(d, 'base64url'));
}

export function signEd25519(material: Uint8Array, message: Uint8Array): Uint8Array {
  const key = ed25519PrivateKey(material);
  return key === null ? signExpanded(decodeEd25519Body(material), message) : new Uint8Array(sign(null, message, key));
}

/** Do scalar, prefix, point and seed belong together? */
export function isEd25519Material(material: Uint8Array): boolean {
  if (material.length !== 3 * 32 && material.length !== 4 * 32) return false;
  const body = decodeEd25519Body(material);
  if (body.seed !== null) return Buffer.compare(material, ed25519FromSeed(body.seed) ?? new Uint8Array(0)) === 0;
  return Buffer.compare(publicPoint(body), body.publicKey) === 0;
}
