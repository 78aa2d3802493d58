/**
 * The public key of an RSA or EC object, as SubjectPublicKeyInfo. A private key shows its modulus, but not every device shows the rest;
 * what is lacking is taken from the public object that goes with it: by the modulus, which proves it, or, as an EC private key shows no
 * point on most devices, by id and curve. Several different candidates are refused, never chosen from.
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { spkiFromPoint } from '../../keys/curve.ts';
import type { Curve } from '../../keys/key-spec.ts';
import { spkiFromRsa } from '../../keys/public-key.ts';
import { bytesOf } from './attribute-codec.ts';
import { CKA } from './constants.ts';
import type { Handle } from './cryptoki.ts';
import type { KeyFacts } from './key-facts.ts';
import type { Token } from './token.ts';

/** What the public half is found by. `id`: hex. */
export type HalfOf = Pick<KeyFacts, 'handle' | 'class' | 'type' | 'id' | 'curve'>;

type Found = { readonly spki: Uint8Array } | { readonly lacking: string };

/** Throws `capability-missing` where the device does not show it. */
export function spkiOf(token: Token, object: HalfOf): Uint8Array {
  const found = findSpki(token, object);
  if ('spki' in found) return found.spki;
  throw token.fail('capability-missing', `${found.lacking}.`);
}

/** Of an object whose class and type are known, but nothing else was read. */
export function spkiAt(token: Token, handle: Handle, keyClass: 'public' | 'private'): Uint8Array {
  return spkiOf(token, token.facts(handle, keyClass));
}

/** Throws CryptokiError. */
export function findSpki(token: Token, object: HalfOf): Found {
  try {
    return shownSpki(token, object);
  } catch (error) {
    // Numbers that are no key, and points that are on no curve.
    if (error instanceof KeyferryError && error.code === 'argument-invalid') {
      return { lacking: 'what the device shows as the public half is no key' };
    }
    throw error;
  }
}

function shownSpki(token: Token, object: HalfOf): Found {
  if (object.class === 'secret') return { lacking: 'a secret key has no public half' };
  if (object.type === 'rsa') return rsaSpki(token, object.handle);
  if (object.type === 'ec') return ecSpki(token, object);
  return { lacking: 'the key is of a type whose public half keyferry does not know' };
}

function rsaSpki(token: Token, handle: Handle): Found {
  const { modulus, exponent } = readNumbers(token, handle);
  if (!modulus?.length) return { lacking: 'the device does not show the modulus of the key' };
  if (exponent?.length) return { spki: spkiFromRsa({ modulus, exponent }) };
  for (const half of token.find('public', [{ type: CKA.MODULUS, value: modulus }])) {
    const shown = readNumbers(token, half);
    const isHalf = shown.modulus !== null && Buffer.compare(shown.modulus, modulus) === 0;
    if (isHalf && shown.exponent?.length) return { spki: spkiFromRsa({ modulus, exponent: shown.exponent }) };
  }
  return { lacking: 'the device shows neither the public exponent of the key nor its public half' };
}

function readNumbers(token: Token, handle: Handle): { modulus: Uint8Array | null; exponent: Uint8Array | null } {
  const types = [CKA.MODULUS, CKA.PUBLIC_EXPONENT];
  const [modulus, exponent] = token.module.C_GetAttributeValue(token.lookups, handle, types);
  return { modulus: modulus?.value ?? null, exponent: exponent?.value ?? null };
}

function ecSpki(token: Token, object: HalfOf): Found {
  const { curve } = object;
  if (curve === undefined) return { lacking: 'the device does not name a curve that keyferry knows' };
  const own = readPoint(token, object.handle);
  if (own !== null) return { spki: spkiFromPoint(curve, own) };
  if (object.class === 'public') return { lacking: 'the device does not show the point of the key' };
  if (object.id === '') return { lacking: 'the key has no id by which its public half could be found' };
  const points = pointsWithId(token, object.id, curve);
  const [only] = points;
  if (only === undefined) {
    return { lacking: `there is no public key on ${curve} with its id ${object.id}, and the key shows no point` };
  }
  if (points.length === 1) return { spki: spkiFromPoint(curve, only) };
  return { lacking: `${points.length} different public keys on ${curve} have its id ${object.id}` };
}

/** Different ones only: a public key that was stored twice is one key. */
function pointsWithId(token: Token, id: string, curve: Curve): Uint8Array[] {
  const points = new Map<string, Uint8Array>();
  for (const half of token.find('public', [{ type: CKA.ID, value: bytesOf(id) }])) {
    const facts = token.facts(half, 'public');
    const point = facts.curve === curve ? readPoint(token, half) : null;
    if (point !== null) points.set(Buffer.from(spkiFromPoint(curve, point)).toString('hex'), point);
  }
  return [...points.values()];
}

function readPoint(token: Token, handle: Handle): Uint8Array | null {
  const [reading] = token.module.C_GetAttributeValue(token.lookups, handle, [CKA.EC_POINT]);
  return reading?.value?.length ? reading.value : null;
}
