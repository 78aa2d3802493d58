import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  isPublicKey,
  modulusBits,
  pemFromSpki,
  rsaFromSpki,
  spkiFromPem,
  spkiFromRsa,
  spkiSha256,
} from '../../../src/keys/public-key.ts';
import { isWrappedKey } from '../../../src/keys/wrapped-key.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const der = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

describe('public keys', () => {
  it('gives the same bytes as OpenSSL, in both directions', () => {
    const numbers = rsaFromSpki(der);
    expect(modulusBits(numbers.modulus)).toBe(2048);
    expect(Buffer.from(numbers.exponent).toString('hex')).toBe('010001');
    expect(Buffer.from(spkiFromRsa(numbers))).toEqual(Buffer.from(der));
    expect(pemFromSpki(der)).toBe(pem);
    expect(Buffer.from(spkiFromPem(pem))).toEqual(Buffer.from(der));
    expect(spkiSha256(der)).toBe(createHash('sha256').update(der).digest('hex'));
  });

  it('takes numbers that a device pads with zeros', () => {
    const { modulus, exponent } = rsaFromSpki(der);
    const padded = {
      modulus: Buffer.concat([Buffer.alloc(2), modulus]),
      exponent: Buffer.concat([Buffer.alloc(1), exponent]),
    };
    expect(Buffer.from(spkiFromRsa(padded))).toEqual(Buffer.from(der));
  });

  it.each([
    ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['text', 'hello'],
    ['an altered PEM', pem.replace('MII', 'MIX')],
  ])('refuses %s', (_what, text) => {
    expect(() => spkiFromPem(text)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });

  it('refuses keys that are not RSA', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
    expect(() => rsaFromSpki(new Uint8Array(ec))).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
    const nothing = { modulus: new Uint8Array(0), exponent: new Uint8Array(0) };
    expect(() => spkiFromRsa(nothing)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });

  it.each([
    [new Uint8Array([0x80]), 8],
    [new Uint8Array([1, 0]), 9],
    [new Uint8Array([0, 0, 1]), 1],
    [new Uint8Array(0), 0],
  ])('counts the bits of %o', (modulus, bits) => {
    expect(modulusBits(modulus)).toBe(bits);
  });

  it('tells artifacts apart', () => {
    const wrapped = { kind: 'wrapped-key', mechanism: 'aes-kw', bytes: new Uint8Array(8), payload: null };
    expect([isPublicKey({ kind: 'public-key', pem }), isPublicKey(wrapped), isPublicKey(null)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isWrappedKey(wrapped), isWrappedKey({ ...wrapped, bytes: 'text' }), isWrappedKey(undefined)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
