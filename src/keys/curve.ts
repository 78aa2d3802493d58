/**
 * The named curves that keyferry tells apart, as PKCS#11 writes them: CKA_EC_PARAMS is the DER of the curve's object identifier (RFC 5480
 * §2.1.1), CKA_EC_POINT the point (SEC 1 §2.3.3, uncompressed) in a DER OCTET STRING. Explicit parameters and compressed points are left out.
 */
import { createPublicKey } from 'node:crypto';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { CURVES, type Curve } from './key-spec.ts';

interface CurveParameters {
  readonly bits: number;
  /** Length of one coordinate. */
  readonly fieldBytes: number;
  /** DER of the object identifier, hex. */
  readonly oid: string;
}

export const CURVE_PARAMETERS: Readonly<Record<Curve, CurveParameters>> = {
  'P-256': { bits: 256, fieldBytes: 32, oid: '06082a8648ce3d030107' },
  'P-384': { bits: 384, fieldBytes: 48, oid: '06052b81040022' },
  'P-521': { bits: 521, fieldBytes: 66, oid: '06052b81040023' },
  secp256k1: { bits: 256, fieldBytes: 32, oid: '06052b8104000a' },
};

const BY_OID: ReadonlyMap<string, Curve> = new Map(CURVES.map((curve) => [CURVE_PARAMETERS[curve].oid, curve]));

/** undefined: another curve, or parameters that do not name one. */
export const curveOfParameters = (der: Uint8Array): Curve | undefined => BY_OID.get(Buffer.from(der).toString('hex'));

export const parametersOf = (curve: Curve): Uint8Array =>
  new Uint8Array(Buffer.from(CURVE_PARAMETERS[curve].oid, 'hex'));

const UNCOMPRESSED = 0x04;

const derHeader = (length: number): readonly number[] => (length < 128 ? [0x04, length] : [0x04, 0x81, length]);

const pointBytes = (curve: Curve): number => 1 + 2 * CURVE_PARAMETERS[curve].fieldBytes;

/** CKA_EC_POINT of the coordinates, which have the curve's own length. */
export const pointOf = (x: Uint8Array, y: Uint8Array): Uint8Array =>
  new Uint8Array([...derHeader(1 + x.length + y.length), UNCOMPRESSED, ...x, ...y]);

/** Whether it is an OCTET STRING of the length that an uncompressed point of the curve has. */
export function isDerPoint(curve: Curve, point: Uint8Array): boolean {
  const header = derHeader(pointBytes(curve));
  const isLong = point.length === header.length + pointBytes(curve);
  return isLong && header.every((byte, index) => point[index] === byte);
}

/** 0x04 ‖ X ‖ Y. Some modules leave the OCTET STRING around it away; the lengths tell the two apart. */
function barePoint(curve: Curve, point: Uint8Array): Uint8Array | null {
  const bare = isDerPoint(curve, point) ? point.subarray(point.length - pointBytes(curve)) : point;
  return bare.length === pointBytes(curve) && bare[0] === UNCOMPRESSED ? bare : null;
}

/** SubjectPublicKeyInfo (DER). Throws `argument-invalid` when it is no point of the curve. */
export function spkiFromPoint(curve: Curve, point: Uint8Array): Uint8Array {
  const bare = barePoint(curve, point);
  if (bare === null) throw noPoint(curve);
  const { fieldBytes } = CURVE_PARAMETERS[curve];
  const coordinate = (start: number): string =>
    Buffer.from(bare.subarray(start, start + fieldBytes)).toString('base64url');
  const jwk = { kty: 'EC', crv: curve, x: coordinate(1), y: coordinate(1 + fieldBytes) };
  try {
    return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }));
  } catch (cause) {
    throw noPoint(curve, cause);
  }
}

const noPoint = (curve: Curve, cause?: unknown): KeyferryError =>
  new KeyferryError('argument-invalid', `The EC point is not an uncompressed point of ${curve}.`, { cause });
