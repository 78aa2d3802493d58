/**
 * Numbers of elliptic curves: those that the user guide lets genECCKeyPair take, with the names it gives them, and the others that the tool
 * knows by number (Oracle's manual of the same tool, "Listing ECC Curve IDs"), which HSMs in FIPS mode refuse.
 */
import type { Curve } from '../../keys/key-spec.ts';

export interface NumberedCurve {
  readonly number: number;
  readonly name: string;
  readonly curve: Curve;
}

export const NUMBERED_CURVES: readonly NumberedCurve[] = [
  { number: 2, name: 'NID_X9_62_prime256v1', curve: 'P-256' },
  { number: 14, name: 'NID_secp384r1', curve: 'P-384' },
  { number: 16, name: 'NID_secp256k1', curve: 'secp256k1' },
];

/** 1 to 17 are curves of the tool. */
export const isCurveNumber = (number: number): boolean => number >= 1 && number <= 17;
