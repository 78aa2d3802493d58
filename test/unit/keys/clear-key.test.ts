/** Keys in clear: what they print, which bytes may be one, and that a fingerprint made of them is the one that a device makes. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkValueOfClearKey, fingerprintClearKey } from '../../../src/keys/clear-fingerprint.ts';
import { ClearKey, wipeClearKeys } from '../../../src/keys/clear-key.ts';
import { checkClearKey, materialProblem } from '../../../src/keys/clear-key-check.ts';

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
/** Three DES keys with odd parity, none of them weak. */
const [ONE, TWO, THREE] = ['0123456789abcdef', '23456789abcdef01', '456789abcdef0123'] as const;

describe('a key in clear', () => {
  it('prints nothing of itself, however it is printed', () => {
    const bytes = new Uint8Array(16).fill(0xa7);
    const key = new ClearKey('aes', bytes);
    const printed = [String(key), JSON.stringify({ key }), inspect({ key }), format('%o %s', key, key)].join(' ');
    expect(printed).toContain('[redacted]');
    for (const form of ['a7a7', '167', 'p6en']) expect(printed).not.toContain(form);
    expect(Object.keys(key)).not.toContain('bytes');
  });

  it('is not used any more once it is wiped, and its bytes are gone', () => {
    const bytes = new Uint8Array(randomBytes(32));
    wipeClearKeys({ key: new ClearKey('aes', bytes), other: 'text' });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    const key = new ClearKey('aes', new Uint8Array(16).fill(1));
    key.wipe();
    expect(() => key.reveal()).toThrow('wiped');
  });
});

describe('checkClearKey', () => {
  it.each([
    ['aes', 16],
    ['aes', 24],
    ['aes', 32],
  ] as const)('takes %s of %i random bytes', (type, length) => {
    expect(checkClearKey(type, randomBytes(length))).toEqual({ problem: null, notes: [] });
  });

  it('takes triple DES of three keys, and says what is weaker or unusual', () => {
    expect(checkClearKey('des3', bytesOf(ONE + TWO + THREE))).toEqual({ problem: null, notes: [] });
    expect(checkClearKey('des3', bytesOf(ONE + TWO + ONE)).notes).toEqual([expect.stringContaining('two-key')]);
    const unset = bytesOf(ONE + TWO + THREE).map((byte) => byte ^ 1);
    expect(checkClearKey('des3', unset)).toMatchObject({ problem: null, notes: [expect.stringContaining('parity')] });
  });

  it.each([
    ['equal parts', ONE + ONE + TWO, 'single DES'],
    ['equal last parts', ONE + TWO + TWO, 'single DES'],
    ['parts that differ in parity bits only', `${ONE}0022446688aaccee${TWO}`, 'single DES'],
    ['a weak part', `${ONE}${TWO}fefefefefefefefe`, 'weak DES key'],
    ['a weak part without its parity', `${ONE}0000000000000000${TWO}`, 'weak DES key'],
    ['a semi-weak part', `${ONE}01fe01fe01fe01fe${TWO}`, 'weak DES key'],
  ])('refuses triple DES with %s', (_what, hex, why) => {
    expect(checkClearKey('des3', bytesOf(hex)).problem).toContain(why);
  });

  it.each([
    ['aes', randomBytes(15), '15 bytes'],
    ['aes', randomBytes(8), '16, 24 or 32'],
    ['des3', randomBytes(16), 'triple-DES key has 24'],
    ['aes', Buffer.from(randomBytes(32).toString('hex')), '64 hex digits: the text of 32 bytes'],
    ['aes', Buffer.from(`${randomBytes(32).toString('hex')}\n`), 'with a newline behind it'],
    // 32 bytes long, and not a key: the text of one of 16 bytes.
    ['aes', Buffer.from(randomBytes(16).toString('hex')), '32 hex digits: the text of 16 bytes'],
    ['aes', Buffer.from(randomBytes(24).toString('base64')), 'base64: the text of 24 bytes'],
    ['aes', Buffer.from(randomBytes(16).toString('base64')), 'base64: the text of 16 bytes'],
    ['aes', Buffer.from(`0x${randomBytes(16).toString('hex')}`), 'hex digits'],
    ['aes', Buffer.concat([Buffer.alloc(31, 0x80), Buffer.from([1, 0x0a])]), '32 bytes with a newline'],
    ['aes', Buffer.from('-----BEGIN PRIVATE KEY-----\nMC4CAQ'), 'PEM'],
    ['aes', Buffer.from('correct horse battery staple'), 'text'],
    ['aes', Buffer.alloc(16), 'the same'],
    ['aes', new Uint8Array(32).fill(0x8a), 'the same'],
  ] as const)('refuses %s of %o', (type, bytes, why) => {
    const { problem } = checkClearKey(type, new Uint8Array(bytes));
    expect(problem).toMatch(new RegExp(why));
  });

  it('does not refuse what one key in three million looks like, but asks', () => {
    const verdict = checkClearKey('aes', new Uint8Array(Buffer.from('my-secret-pass!!')));
    expect(verdict).toMatchObject({ problem: null, notes: [expect.stringContaining('password')] });
  });

  it('says nothing of the bytes that it refuses', () => {
    const hex = randomBytes(20).toString('hex');
    const { problem } = checkClearKey('aes', new Uint8Array(Buffer.from(hex)));
    for (let at = 0; at + 4 <= hex.length; at += 1) expect(problem).not.toContain(hex.slice(at, at + 4));
  });
});

describe('materialProblem', () => {
  const hmac = (bytes: Uint8Array) => materialProblem('an HMAC_384 key', 48, 128, bytes);
  const base64 = (length: number) => Buffer.from(randomBytes(length).toString('base64'));

  it.each([48, 64, 100, 128])('takes %i random bytes where 48 to 128 are wanted', (length) => {
    expect(hmac(randomBytes(length))).toBeNull();
  });

  it.each([
    ['one too few', randomBytes(47), 'it holds 47 bytes, and an HMAC_384 key takes 48 to 128'],
    ['one too many', randomBytes(129), 'it holds 129 bytes, and an HMAC_384 key takes 48 to 128'],
    ['nothing', new Uint8Array(0), 'it holds 0 bytes, and an HMAC_384 key takes 48 to 128'],
    ['a constant', new Uint8Array(64), 'all its bytes are the same, which is no key'],
  ])('refuses %s', (_what, bytes, why) => {
    expect(hmac(bytes)).toBe(why);
  });

  it.each([
    ['hex of 32 bytes, of a length that would do', Buffer.from(randomBytes(32).toString('hex')), '64 hex digits'],
    ['base64 of 48 bytes, of a length that would do', base64(48), 'base64: the text of 48 bytes'],
    ['base64 of an AES key', base64(32), 'base64: the text of 32 bytes'],
    ['base64 of more than fits', Buffer.concat([base64(128), Buffer.from('\n')]), 'base64 with a newline behind it'],
    ['a newline behind the most', Buffer.concat([randomBytes(128), Buffer.from('\n')]), '128 bytes with a newline'],
    ['a sentence', Buffer.from('too short and readable'), 'looks like text'],
  ])('names %s', (_what, bytes, why) => {
    expect(hmac(bytes)).toContain(why);
  });

  it('says "exactly" where one length will do', () => {
    expect(materialProblem('a SYMMETRIC_DEFAULT key', 32, 32, randomBytes(31))).toMatch(/takes exactly 32$/);
    expect(materialProblem('a SYMMETRIC_DEFAULT key', 32, 32, randomBytes(32))).toBeNull();
  });
});

describe('fingerprints of keys in clear', () => {
  it('differ by key, salt and method', () => {
    const key = new ClearKey('aes', new Uint8Array(randomBytes(32)));
    const other = new ClearKey('aes', new Uint8Array(randomBytes(32)));
    const salt = new Uint8Array(randomBytes(16));
    const values = [
      fingerprintClearKey(key, salt, 'encrypt-ecb'),
      fingerprintClearKey(key, salt, 'decrypt-ecb'),
      fingerprintClearKey(key, salt, 'wrap-kw'),
      fingerprintClearKey(key, new Uint8Array(16), 'encrypt-ecb'),
      fingerprintClearKey(other, salt, 'encrypt-ecb'),
    ].map((made) => made?.value);
    expect(new Set(values).size).toBe(5);
  });

  it('has none for wrapping with triple DES', () => {
    expect(
      fingerprintClearKey(new ClearKey('des3', bytesOf(ONE + TWO + THREE)), new Uint8Array(16), 'wrap-kw'),
    ).toBeNull();
  });

  it('gives the check value that everybody computes: the head of the encrypted zero block', () => {
    const bytes = new Uint8Array(randomBytes(16));
    const block = createCipheriv('aes-128-ecb', bytes, null).setAutoPadding(false).update(Buffer.alloc(16));
    expect(checkValueOfClearKey(new ClearKey('aes', bytes))).toBe(block.toString('hex').slice(0, 6));
    // FIPS 81 / SP 800-67 example keys: E(0) under 0123456789abcdef thrice is single DES of it.
    expect(checkValueOfClearKey(new ClearKey('des3', bytesOf(ONE + ONE + ONE)))).toBe('d5d44f');
  });
});
