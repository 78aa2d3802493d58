/**
 * How long a key is as the payload of a wrap: a secret key's value, or PKCS#8 of a private key (pkcs11-curr v2.40 §2.1.21). The length of
 * PKCS#8 is not fixed: integers lose leading zeros, and RFC 5915 leaves it open whether the public point of an EC key is in it.
 */
import { CURVE_PARAMETERS } from '../../keys/curve.ts';
import type { Curve } from '../../keys/key-spec.ts';
import type { KeyFacts } from './key-facts.ts';

export interface PayloadSize {
  readonly least: number;
  /** What most devices make of it. */
  readonly usual: number;
  readonly most: number;
}

/** In bytes; null: not known. */
export function payloadSize(payload: Pick<KeyFacts, 'class' | 'type' | 'bits' | 'curve'>): PayloadSize | null {
  if (payload.bits === 0 || payload.class === 'public') return null;
  if (payload.class === 'secret') return exactly(payload.bits / 8);
  if (payload.type === 'rsa') return rsaSize(Math.ceil(payload.bits / 8));
  return payload.type === 'ec' && payload.curve !== undefined ? ecSize(payload.curve) : null;
}

const exactly = (bytes: number): PayloadSize => ({ least: bytes, usual: bytes, most: bytes });

/** Modulus, private exponent and five numbers of half their length, and about 70 bytes of DER around them. */
const rsaSize = (modulus: number): PayloadSize => ({
  least: modulus * 4,
  usual: Math.ceil(modulus * 4.5) + 70,
  most: modulus * 5 + 128,
});

/** PKCS#8 as OpenSSL writes it: with the point, the curve named once. */
const EC_USUAL: Readonly<Record<Curve, number>> = { 'P-256': 138, 'P-384': 185, 'P-521': 241, secp256k1: 135 };

/** From the scalar alone to the usual with the curve named twice. */
const ecSize = (curve: Curve): PayloadSize => ({
  least: CURVE_PARAMETERS[curve].fieldBytes,
  usual: EC_USUAL[curve],
  most: EC_USUAL[curve] + 32,
});
