import { generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import {
  isSignatureOf,
  keyProblem,
  MAX_SIGNATURE_BYTES,
  readApproverKey,
  signatureBytes,
} from '../../../src/approvals/signature.ts';
import { people } from '../../support/approval-people.ts';

const { person, remove } = people();
afterAll(remove);

const TEXT = 'keyferry-approval-v1\nrun: x\n';
const rsa = person('rsa');
const ec = person('ec', 'p-256');

describe('signatures that the openssl program makes', () => {
  test.each([rsa, ec])('are taken: $name', ({ key, sign }) => {
    expect(isSignatureOf(TEXT, sign(TEXT), key.key)).toBe(true);
    expect(isSignatureOf(`${TEXT} `, sign(TEXT), key.key)).toBe(false);
    expect(isSignatureOf(TEXT.trimEnd(), sign(TEXT), key.key)).toBe(false);
  });

  test.each([rsa, ec])('are not taken when any byte was altered: $name', ({ key, sign }) => {
    const signature = sign(TEXT);
    for (let at = 0; at < signature.length; at += 1) {
      const altered = Uint8Array.from(signature, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(isSignatureOf(TEXT, altered, key.key)).toBe(false);
    }
  });

  test.each([rsa, ec])('are not taken cut off, lengthened or empty: $name', ({ key, sign }) => {
    const signature = sign(TEXT);
    for (const wrong of [signature.subarray(1), signature.subarray(0, -1), new Uint8Array(0), new Uint8Array(256)])
      expect(isSignatureOf(TEXT, wrong, key.key)).toBe(false);
    expect(isSignatureOf(TEXT, Buffer.concat([signature, Buffer.from([0])]), key.key)).toBe(false);
  });

  test("are not taken as another's", () => {
    expect(isSignatureOf(TEXT, rsa.sign(TEXT), ec.key.key)).toBe(false);
    expect(isSignatureOf(TEXT, ec.sign(TEXT), rsa.key.key)).toBe(false);
    expect(isSignatureOf(TEXT, person('rsa2').sign(TEXT), rsa.key.key)).toBe(false);
  });

  test('are not taken with another hash or padding', () => {
    expect(isSignatureOf(TEXT, rsa.signWith(['-sha1'], TEXT), rsa.key.key)).toBe(false);
    expect(isSignatureOf(TEXT, rsa.signWith(['-sha512'], TEXT), rsa.key.key)).toBe(false);
    const pss = rsa.signWith(['-sha256', '-sigopt', 'rsa_padding_mode:pss'], TEXT);
    expect(isSignatureOf(TEXT, pss, rsa.key.key)).toBe(false);
  });
});

describe('keys', () => {
  test.each([
    ['RSA-2048', rsa.key.key, null],
    ['EC P-256', ec.key.key, null],
    ['RSA-1024', person('short', 'rsa-1024').key.key, /1024 bits/],
    ['EC P-384', person('p384', 'p-384').key.key, /secp384r1/],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey, /ed25519/],
    ['RSA for PSS only', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, /rsa-pss/],
  ])('%s', (_name, key, problem) => {
    if (problem === null) expect(keyProblem(key)).toBeNull();
    else expect(keyProblem(key)).toMatch(problem);
  });

  test('a good signature by a key that is too short is not taken', () => {
    const short = person('short', 'rsa-1024');
    expect(isSignatureOf(TEXT, short.sign(TEXT), short.key.key)).toBe(false);
  });

  test('are read back from their own bytes, and only from a whole key', () => {
    expect(readApproverKey(rsa.key.spki)?.sha256).toBe(rsa.key.sha256);
    expect(readApproverKey(rsa.key.spki.subarray(0, -1))).toBeNull();
    expect(readApproverKey(new Uint8Array(0))).toBeNull();
  });
});

describe('a signature file', () => {
  test('holds the bytes as openssl writes them, or base64 of them', () => {
    for (const { sign } of [rsa, ec]) {
      const signature = sign(TEXT);
      expect(signatureBytes(signature)).toEqual(signature);
      const lines = Buffer.from(signature).toString('base64').replace(/.{64}/g, '$&\n');
      expect(signatureBytes(Buffer.from(`${lines}\n`))).toEqual(signature);
    }
  });

  test('that is empty or endless holds none', () => {
    expect(signatureBytes(new Uint8Array(0))).toBeNull();
    expect(signatureBytes(new Uint8Array(MAX_SIGNATURE_BYTES + 1))).toBeNull();
  });
});
