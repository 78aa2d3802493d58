/** A public key of the HSMs as node:crypto takes it. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { CKA, CKO } from '../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { curveOfParameters, spkiFromPoint } from '../../keys/curve.ts';
import { spkiFromRsa } from '../../keys/public-key.ts';
import type { KmuSession } from './kmu-session.ts';

/** null: it is of another class, or of a type that is not simulated. */
export function readPublicKey(k: KmuSession, key: Handle): KeyObject | null {
  const wanted = [CKA.CLASS, CKA.MODULUS, CKA.PUBLIC_EXPONENT, CKA.EC_PARAMS, CKA.EC_POINT];
  const [keyClass, modulus, exponent, parameters, point] = k.module
    .C_GetAttributeValue(k.loggedIn.session, key, wanted)
    .map(({ value }) => value);
  if (keyClass?.[0] !== CKO.PUBLIC_KEY) return null;
  const curve = parameters ? curveOfParameters(parameters) : undefined;
  if (modulus && exponent) return parsed(spkiFromRsa({ modulus, exponent }));
  return curve !== undefined && point ? parsed(spkiFromPoint(curve, point)) : null;
}

const parsed = (spki: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
