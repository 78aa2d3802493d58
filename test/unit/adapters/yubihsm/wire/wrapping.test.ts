import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { unwrapWithPadding, wrapWithPadding } from '../../../../../src/adapters/yubihsm/wire/aes-key-wrap.ts';
import { CCM_OVERHEAD_BYTES, openCcm, sealCcm } from '../../../../../src/adapters/yubihsm/wire/ccm-wrap.ts';
import { digestOfLabel, oaepDecrypt, oaepEncrypt } from '../../../../../src/adapters/yubihsm/wire/oaep.ts';
import { rsaUnwrap, rsaWrap, splitRsaWrap } from '../../../../../src/adapters/yubihsm/wire/rsa-wrap.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const oaep = { hash: 'sha256', mgf1Hash: 'sha256', labelDigest: digestOfLabel('sha256') } as const;

const flipped = (blob: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(blob);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('AES key wrap with padding', () => {
  const key = fromHex(VECTORS.keyWrapWithPadding.key);

  test.each(VECTORS.keyWrapWithPadding.cases)('is RFC 5649: $wrapped', ({ payload, wrapped }) => {
    expect(toHex(wrapWithPadding(key, fromHex(payload)))).toBe(wrapped);
    expect(toHex(unwrapWithPadding(key, fromHex(wrapped)) ?? new Uint8Array(0))).toBe(payload);
  });

  test('wraps and unwraps every length', () => {
    for (let length = 1; length < 40; length += 1) {
      const payload = new Uint8Array(length).fill(length);
      expect(toHex(unwrapWithPadding(key, wrapWithPadding(key, payload)) ?? new Uint8Array(0))).toBe(toHex(payload));
    }
  });

  test('does not open what was altered, cut, or wrapped under another key', () => {
    const wrapped = wrapWithPadding(key, new Uint8Array(32));
    for (let at = 0; at < wrapped.length; at += 1) expect(unwrapWithPadding(key, flipped(wrapped, at))).toBeNull();
    expect(unwrapWithPadding(key, wrapped.subarray(0, -8))).toBeNull();
    expect(unwrapWithPadding(key, wrapped.subarray(0, -1))).toBeNull();
    expect(unwrapWithPadding(new Uint8Array(24), wrapped)).toBeNull();
    expect(unwrapWithPadding(key, new Uint8Array(0))).toBeNull();
    expect(() => wrapWithPadding(key, new Uint8Array(0))).toThrow(RangeError);
  });
});

describe('AES-CCM', () => {
  test.each([16, 24, 32])('seals and opens under a key of %i bytes', (length) => {
    const key = new Uint8Array(length).fill(1);
    const blob = sealCcm(key, new Uint8Array(13).fill(2), Uint8Array.of(1, 2, 3));
    expect(blob.length).toBe(CCM_OVERHEAD_BYTES + 3);
    expect(toHex(blob).slice(0, 26)).toBe('02'.repeat(13));
    expect([...(openCcm(key, blob) ?? [])]).toEqual([1, 2, 3]);
  });

  test('does not open what was altered anywhere, cut, or sealed under another key', () => {
    const key = new Uint8Array(32);
    const blob = sealCcm(key, new Uint8Array(13), new Uint8Array(20));
    for (let at = 0; at < blob.length; at += 1) expect(openCcm(key, flipped(blob, at))).toBeNull();
    expect(openCcm(key, blob.subarray(0, -1))).toBeNull();
    expect(openCcm(key, blob.subarray(0, 28))).toBeNull();
    expect(openCcm(new Uint8Array(32).fill(1), blob)).toBeNull();
    expect(() => openCcm(new Uint8Array(15), blob)).toThrow(RangeError);
  });
});

describe('OAEP', () => {
  test.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)("is node's own for %s and no label", (hash) => {
    const parameters = { hash, mgf1Hash: hash, labelDigest: digestOfLabel(hash) };
    const message = new Uint8Array(32).fill(3);
    const native = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
    expect(toHex(privateDecrypt({ key: privateKey, ...native }, oaepEncrypt(publicKey, message, parameters)))).toBe(
      toHex(message),
    );
    const encrypted = publicEncrypt({ key: publicKey, ...native }, message);
    expect(toHex(oaepDecrypt(privateKey, encrypted, parameters) ?? new Uint8Array(0))).toBe(toHex(message));
  });

  test("is node's own with a label", () => {
    const label = Buffer.from('a label');
    const parameters = { ...oaep, labelDigest: digestOfLabel('sha256', label) };
    const native = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: label };
    const encrypted = publicEncrypt({ key: publicKey, ...native }, Uint8Array.of(0, 1, 0));
    expect([...(oaepDecrypt(privateKey, encrypted, parameters) ?? [])]).toEqual([0, 1, 0]);
    expect(oaepDecrypt(privateKey, encrypted, oaep)).toBeNull();
  });

  test('takes another hash for MGF1', () => {
    const mixed = { ...oaep, mgf1Hash: 'sha1' } as const;
    const encrypted = oaepEncrypt(publicKey, Uint8Array.of(5), mixed);
    expect([...(oaepDecrypt(privateKey, encrypted, mixed) ?? [])]).toEqual([5]);
    expect(oaepDecrypt(privateKey, encrypted, oaep)).toBeNull();
  });

  test('carries up to what the modulus leaves, and nothing as nothing', () => {
    const longest = new Uint8Array(256 - 2 * 32 - 2).fill(1);
    expect(oaepDecrypt(privateKey, oaepEncrypt(publicKey, longest, oaep), oaep)?.length).toBe(longest.length);
    expect(oaepDecrypt(privateKey, oaepEncrypt(publicKey, new Uint8Array(0), oaep), oaep)?.length).toBe(0);
    expect(() => oaepEncrypt(publicKey, new Uint8Array(longest.length + 1), oaep)).toThrow(RangeError);
  });

  test('does not open what is altered, too long, above the modulus, or of another key', () => {
    const encrypted = oaepEncrypt(publicKey, Uint8Array.of(5), oaep);
    expect(oaepDecrypt(privateKey, flipped(encrypted, 200), oaep)).toBeNull();
    expect(oaepDecrypt(privateKey, encrypted.subarray(1), oaep)).toBeNull();
    expect(oaepDecrypt(privateKey, new Uint8Array(256).fill(0xff), oaep)).toBeNull();
    expect(oaepDecrypt(other.privateKey, encrypted, oaep)).toBeNull();
    expect(() => oaepEncrypt(publicKey, encrypted, { ...oaep, labelDigest: new Uint8Array(20) })).toThrow(RangeError);
  });
});

describe('RSA wrap', () => {
  const payload = new Uint8Array(138).fill(9);

  test.each([16, 24, 32])('comes back, with a one-use key of %i bytes', (aesKeyBytes) => {
    const blob = rsaWrap(payload, { publicKey, aesKeyBytes, oaep });
    expect(blob.length).toBe(256 + 144 + 8);
    expect(toHex(rsaUnwrap(blob, privateKey, oaep) ?? new Uint8Array(0))).toBe(toHex(payload));
  });

  test('is two parts that other software opens', () => {
    const parts = splitRsaWrap(rsaWrap(payload, { publicKey, aesKeyBytes: 32, oaep }), 256);
    const native = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const aesKey = privateDecrypt({ key: privateKey, ...native }, parts?.encryptedKey ?? new Uint8Array(0));
    expect(aesKey.length).toBe(32);
    expect(toHex(unwrapWithPadding(aesKey, parts?.wrappedPayload ?? new Uint8Array(0)) ?? new Uint8Array(0))).toBe(
      toHex(payload),
    );
  });

  test('never uses a one-use key twice', () => {
    const [one, two] = [1, 2].map(() => toHex(rsaWrap(payload, { publicKey, aesKeyBytes: 32, oaep })));
    expect(one).not.toBe(two);
  });

  test('does not open with another key, other parameters, or altered in either part', () => {
    const blob = rsaWrap(payload, { publicKey, aesKeyBytes: 32, oaep });
    expect(rsaUnwrap(blob, other.privateKey, oaep)).toBeNull();
    expect(rsaUnwrap(blob, privateKey, { ...oaep, mgf1Hash: 'sha1' })).toBeNull();
    expect(rsaUnwrap(flipped(blob, 100), privateKey, oaep)).toBeNull();
    expect(rsaUnwrap(flipped(blob, 300), privateKey, oaep)).toBeNull();
    expect(rsaUnwrap(blob.subarray(0, 264), privateKey, oaep)).toBeNull();
    expect(rsaUnwrap(blob.subarray(0, -1), privateKey, oaep)).toBeNull();
  });

  test('does not open when what RSA carries is no AES key', () => {
    const blob = Buffer.concat([oaepEncrypt(publicKey, new Uint8Array(20), oaep), new Uint8Array(24)]);
    expect(rsaUnwrap(blob, privateKey, oaep)).toBeNull();
  });
});
