/** Curves by the names that the tool takes. secp224r1, which it has too, is none of the simulated HSM's. */
import { curveOfParameters } from '../../../../keys/curve.ts';
import type { Curve } from '../../../../keys/key-spec.ts';

export const CURVES: Readonly<Record<string, Curve>> = {
  prime256v1: 'P-256',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  secp256k1: 'secp256k1',
};

export function curveName(parameters: Uint8Array | null): string {
  const curve = parameters === null ? undefined : curveOfParameters(parameters);
  return Object.entries(CURVES).find(([, known]) => known === curve)?.[0] ?? 'unknown';
}
