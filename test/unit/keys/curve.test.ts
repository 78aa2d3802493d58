import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CURVE_PARAMETERS,
  curveOfParameters,
  isDerPoint,
  parametersOf,
  pointOf,
  spkiFromPoint,
} from '../../../src/keys/curve.ts';
import { CURVES, type Curve } from '../../../src/keys/key-spec.ts';

const coordinates = (spki: Uint8Array) => {
  const { x = '', y = '' } = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({
    format: 'jwk',
  });
  return [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')] as const;
};

const made = (curve: Curve): Buffer =>
  generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ type: 'spki', format: 'der' });

describe.each(CURVES)('%s', (curve) => {
  it('is known by the parameters that OpenSSL writes', () => {
    const spki = made(curve);
    expect(spki.includes(Buffer.from(parametersOf(curve)))).toBe(true);
    expect(curveOfParameters(parametersOf(curve))).toBe(curve);
  });

  it('gives the public key that OpenSSL made, with and without the OCTET STRING around the point', () => {
    const spki = made(curve);
    const point = pointOf(...coordinates(spki));
    expect(isDerPoint(curve, point)).toBe(true);
    expect(Buffer.from(spkiFromPoint(curve, point))).toEqual(spki);
    const bare = point.subarray(point.length - 1 - 2 * CURVE_PARAMETERS[curve].fieldBytes);
    expect(isDerPoint(curve, bare)).toBe(false);
    expect(Buffer.from(spkiFromPoint(curve, bare))).toEqual(spki);
  });

  it.each([
    [
      'a point that is not on the curve',
      (point: Uint8Array) => point.map((byte, at) => (at === point.length - 1 ? byte ^ 1 : byte)),
    ],
    ['a point that is cut short', (point: Uint8Array) => point.subarray(0, -1)],
    [
      'a compressed point',
      (point: Uint8Array) => Uint8Array.of(0x02, ...point.subarray(-CURVE_PARAMETERS[curve].fieldBytes)),
    ],
    ['nothing', () => new Uint8Array(0)],
  ])('refuses %s', (_what, spoil) => {
    const point = spoil(pointOf(...coordinates(made(curve))));
    expect(() => spkiFromPoint(curve, point)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });
});

describe('curves', () => {
  it('does not take the point of one for a point of another', () => {
    const point = pointOf(...coordinates(made('P-256')));
    for (const other of ['P-384', 'P-521', 'secp256k1'] as const) {
      expect(() => spkiFromPoint(other, point)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
    }
  });

  it.each([
    ['P-224', '06052b81040021'],
    ['a name in text (PKCS#11 v3.0)', '130a736563703235366b31'],
    ['the bare bytes of P-256', '2a8648ce3d030107'],
    ['nothing', ''],
  ])('does not know %s', (_what, hex) => {
    expect(curveOfParameters(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
