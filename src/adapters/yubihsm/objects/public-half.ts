/** The public key of an asymmetric key, an RSA wrap key or a public wrap key, as SubjectPublicKeyInfo. The exponent is always 65537. */
import { spkiFromPoint } from '../../../keys/curve.ts';
import { spkiFromRsa } from '../../../keys/public-key.ts';
import { getPublicKey } from '../commands/get-public-key.ts';
import { isEd25519, isRsa } from '../wire/algorithms.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { type Found, objectInWords } from './key-model.ts';
import { kindOf } from './object-kinds.ts';

export const PUBLIC_EXPONENT = new Uint8Array([1, 0, 1]);

/** RFC 8410 §4, before the 32 bytes of the point. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Rejects with `capability-missing` for what has no public half, or one on a curve that keyferry does not know. */
export async function spkiOf(hsm: YubiHsm, { info }: Found): Promise<Uint8Array> {
  const what = objectInWords(info);
  const { class: keyClass, curve, type } = kindOf(info);
  if (keyClass === 'secret') throw hsm.fail('capability-missing', `the ${what} has no public half.`);
  const { algorithm, bytes } = await hsm.call(getPublicKey, info, `read the public half of the ${what}`);
  if (algorithm !== info.algorithm) {
    throw hsm.fail('reply-malformed', `the public half of the ${what} is of another algorithm than the key.`);
  }
  if (isRsa(algorithm)) return spkiFromRsa({ modulus: bytes, exponent: PUBLIC_EXPONENT });
  if (isEd25519(algorithm)) return new Uint8Array([...ED25519_SPKI, ...bytes]);
  if (curve === undefined) {
    throw hsm.fail('capability-missing', `the ${what} (${type}) is on a curve that keyferry does not know.`);
  }
  return spkiFromPoint(curve, new Uint8Array([4, ...bytes]));
}

export const hasPublicHalf = ({ info }: Found): boolean => kindOf(info).class !== 'secret';
