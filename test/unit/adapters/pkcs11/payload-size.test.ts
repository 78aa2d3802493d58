import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { payloadSize } from '../../../../src/adapters/pkcs11/payload-size.ts';
import { CURVES } from '../../../../src/keys/key-spec.ts';

const pkcs8 = (key: { export(options: { type: 'pkcs8'; format: 'der' }): Buffer }): number =>
  key.export({ type: 'pkcs8', format: 'der' }).length;

describe('the size of a payload', () => {
  it.each(CURVES)('is that of PKCS#8 by OpenSSL on %s', (curve) => {
    const bytes = pkcs8(generateKeyPairSync('ec', { namedCurve: curve }).privateKey);
    expect(payloadSize({ class: 'private', type: 'ec', bits: 256, curve })?.usual).toBe(bytes);
  });

  it.each([1024, 2048, 3072])('is within bounds, and close to PKCS#8 by OpenSSL, for RSA-%i', (bits) => {
    const bytes = pkcs8(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey);
    const size = payloadSize({ class: 'private', type: 'rsa', bits });
    expect(Math.abs((size?.usual ?? 0) - bytes)).toBeLessThan(20);
    expect(size?.least).toBeLessThan(bytes);
    expect(size?.most).toBeGreaterThan(bytes);
  });

  it('is exact for secret keys', () => {
    expect(payloadSize({ class: 'secret', type: 'aes', bits: 256 })).toEqual({ least: 32, usual: 32, most: 32 });
  });

  it.each([
    ['a key whose length the device does not say', { class: 'secret', type: 'aes', bits: 0 }],
    ['a curve that is not known', { class: 'private', type: 'ec', bits: 224 }],
    ['a public key', { class: 'public', type: 'rsa', bits: 2048 }],
  ] as const)('is not known for %s', (_what, payload) => {
    expect(payloadSize(payload)).toBeNull();
  });
});
