/** Keys on Weierstrass curves: private scalar and point (SEC 1), node's key objects by way of the DER of RFC 5915, and bare ECDSA. */
import { createECDH, createPrivateKey, ECDH, type KeyObject, randomBytes } from 'node:crypto';
import { decodeEcBody, encodeEcBody } from '../wire/wrapped-body.ts';
import { bits, contentOf, decodeDer, encodeDer, explicit, integer, octets, oid, partsOf, sequence } from './der.ts';
import { bigintOf, bytesOf, type Curve, curveOf, inverse } from './ec-curves.ts';

function requireCurve(algorithm: number): Curve {
  const curve = curveOf(algorithm);
  if (curve === undefined) throw new Error(`algorithm ${algorithm} is not a curve`);
  return curve;
}

/** 04|X|Y of d·G. */
function multiplyBase(curve: Curve, scalar: Uint8Array): Uint8Array {
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(scalar);
  return ecdh.getPublicKey();
}

/** null: not a number from 1 to the group's order less 1. */
export function ecFromScalar(algorithm: number, scalar: Uint8Array): Uint8Array | null {
  const curve = requireCurve(algorithm);
  const value = bigintOf(scalar);
  if (scalar.length !== curve.coordinateBytes || value === 0n || value >= curve.order) return null;
  const point = multiplyBase(curve, scalar);
  const x = point.subarray(1, 1 + curve.coordinateBytes);
  return encodeEcBody(algorithm, { d: scalar, x, y: point.subarray(1 + curve.coordinateBytes) });
}

function randomScalar(curve: Curve): bigint {
  // 8 bytes more than the order: the bias of the remainder is below 2^-64 (FIPS 186-5 §A.2.1).
  return (bigintOf(randomBytes(curve.coordinateBytes + 8)) % (curve.order - 1n)) + 1n;
}

export function generateEc(algorithm: number): Uint8Array {
  const curve = requireCurve(algorithm);
  const material = ecFromScalar(algorithm, bytesOf(randomScalar(curve), curve.coordinateBytes));
  if (material === null) throw new Error('a random scalar was out of its range');
  return material;
}

/** X|Y. */
export function ecPoint(algorithm: number, material: Uint8Array): Uint8Array {
  const { x, y } = decodeEcBody(algorithm, material);
  return new Uint8Array(Buffer.concat([x, y]));
}

/** `point`: X|Y. */
export function isOnCurve(algorithm: number, point: Uint8Array): boolean {
  const curve = requireCurve(algorithm);
  if (point.length !== 2 * curve.coordinateBytes) return false;
  try {
    ECDH.convertKey(Buffer.concat([Uint8Array.of(4), point]), curve.name);
    return true;
  } catch {
    return false;
  }
}

export function ecPrivateKey(algorithm: number, material: Uint8Array): KeyObject {
  const { d, x, y } = decodeEcBody(algorithm, material);
  const point = Buffer.concat([Uint8Array.of(4), x, y]);
  const der = encodeDer(
    sequence(
      integer(Uint8Array.of(1)),
      octets(d),
      explicit(0, oid(requireCurve(algorithm).oid)),
      explicit(1, bits(point)),
    ),
  );
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'sec1' });
}

/** null: on another curve. */
export function ecFromKey(algorithm: number, key: KeyObject): Uint8Array | null {
  const curve = requireCurve(algorithm);
  if (key.asymmetricKeyDetails?.namedCurve !== curve.name) return null;
  const der = decodeDer(key.export({ format: 'der', type: 'sec1' }));
  const scalar = der === null ? undefined : partsOf(der)[1];
  const bytes = scalar === undefined ? null : contentOf(scalar);
  return bytes === null ? null : ecFromScalar(algorithm, bytesOf(bigintOf(bytes), curve.coordinateBytes));
}

/** The X coordinate. null: `point` (04|X|Y) is not on the curve. */
export function ecdh(algorithm: number, material: Uint8Array, point: Uint8Array): Uint8Array | null {
  const exchange = createECDH(requireCurve(algorithm).name);
  exchange.setPrivateKey(decodeEcBody(algorithm, material).d);
  try {
    return new Uint8Array(exchange.computeSecret(point));
  } catch {
    return null;
  }
}

/** SEC 1 §4.1.3 over a digest as it is; a digest longer than the order loses its last bits. DER of r and s. */
export function signDigest(algorithm: number, material: Uint8Array, digest: Uint8Array): Uint8Array {
  const curve = requireCurve(algorithm);
  const excessBits = Math.max(0, digest.length * 8 - curve.order.toString(2).length);
  const e = bigintOf(digest) >> BigInt(excessBits);
  const d = bigintOf(decodeEcBody(algorithm, material).d);
  for (;;) {
    const k = randomScalar(curve);
    const point = multiplyBase(curve, bytesOf(k, curve.coordinateBytes));
    const r = bigintOf(point.subarray(1, 1 + curve.coordinateBytes)) % curve.order;
    const s = ((inverse(k, curve.order) ?? 0n) * (e + r * d)) % curve.order;
    if (r === 0n || s === 0n) continue;
    const part = (value: bigint) => integer(bytesOf(value, curve.coordinateBytes));
    return encodeDer(sequence(part(r), part(s)));
  }
}
