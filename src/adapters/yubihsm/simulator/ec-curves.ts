/** The Weierstrass curves of the device: OpenSSL's name, the object identifier for DER, and the order of the group (SEC 2, RFC 5639). */
import { ALGORITHM, ecCoordinateBytes } from '../wire/algorithms.ts';

export interface Curve {
  readonly name: string;
  readonly oid: string;
  readonly order: bigint;
  readonly coordinateBytes: number;
}

const curve = (algorithm: number, name: string, oid: string, order: string): [number, Curve] => [
  algorithm,
  { name, oid, order: BigInt(`0x${order}`), coordinateBytes: ecCoordinateBytes(algorithm) ?? 0 },
];

const CURVES: ReadonlyMap<number, Curve> = new Map([
  curve(ALGORITHM.ecp224, 'secp224r1', '1.3.132.0.33', 'ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d'),
  curve(
    ALGORITHM.ecp256,
    'prime256v1',
    '1.2.840.10045.3.1.7',
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ),
  curve(
    ALGORITHM.ecp384,
    'secp384r1',
    '1.3.132.0.34',
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ),
  curve(
    ALGORITHM.ecp521,
    'secp521r1',
    '1.3.132.0.35',
    `01ff${'f'.repeat(62)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
  ),
  curve(
    ALGORITHM.eck256,
    'secp256k1',
    '1.3.132.0.10',
    'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
  ),
  curve(
    ALGORITHM.ecbp256,
    'brainpoolP256r1',
    '1.3.36.3.3.2.8.1.1.7',
    'a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7',
  ),
  curve(
    ALGORITHM.ecbp384,
    'brainpoolP384r1',
    '1.3.36.3.3.2.8.1.1.11',
    '8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565',
  ),
  curve(
    ALGORITHM.ecbp512,
    'brainpoolP512r1',
    '1.3.36.3.3.2.8.1.1.13',
    'aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069',
  ),
]);

export const curveOf = (algorithm: number): Curve | undefined => CURVES.get(algorithm);

export const bigintOf = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);

/** Big-endian, exactly so many bytes. */
export const bytesOf = (value: bigint, length: number): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'));

/** value^-1 mod modulus, or null when there is none (extended Euclid). */
export function inverse(value: bigint, modulus: bigint): bigint | null {
  let [r0, r1] = [modulus, ((value % modulus) + modulus) % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return r0 === 1n ? ((t0 % modulus) + modulus) % modulus : null;
}
