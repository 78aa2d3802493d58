import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cmac } from '../../../../../src/adapters/yubihsm/session/cmac.ts';
import {
  deriveAsymmetricSession,
  deriveSymmetricSession,
  wipeSessionKeys,
  x963Sha256,
} from '../../../../../src/adapters/yubihsm/session/key-derivation.ts';
import { staticKeysFromPassword, wipeStaticKeys } from '../../../../../src/adapters/yubihsm/session/static-keys.ts';
import { referenceCmac } from '../../../../support/yubihsm-wire-device.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

describe('CMAC', () => {
  test.each(VECTORS.cmac.cases)('is RFC 4493: $mac', ({ message, mac }) => {
    expect(toHex(cmac(fromHex(VECTORS.cmac.key), fromHex(message)))).toBe(mac);
  });

  test('agrees with another implementation for every length', () => {
    const key = fromHex(VECTORS.cmac.key);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        expect(toHex(cmac(key, message))).toBe(referenceCmac(key, Buffer.from(message)).toString('hex'));
      }),
      { numRuns: 60 },
    );
  });

  test('does not change its message', () => {
    const message = Uint8Array.of(1, 2, 3);
    cmac(new Uint8Array(16), message);
    expect([...message]).toEqual([1, 2, 3]);
  });

  test('refuses a key that is none of AES', () => {
    expect(() => cmac(new Uint8Array(15), new Uint8Array(1))).toThrow();
  });
});

describe('static keys', () => {
  test("of the factory's password are Yubico's", async () => {
    const keys = await staticKeysFromPassword(VECTORS.password.password);
    expect(toHex(keys.enc)).toBe(VECTORS.password.enc);
    expect(toHex(keys.mac)).toBe(VECTORS.password.mac);
  });

  test('of another password are others', async () => {
    const keys = await staticKeysFromPassword('Password');
    expect(toHex(keys.enc)).not.toBe(VECTORS.password.enc);
  });

  test('are gone when wiped', async () => {
    const keys = await staticKeysFromPassword('x');
    wipeStaticKeys(keys);
    expect([...keys.enc, ...keys.mac].every((byte) => byte === 0)).toBe(true);
  });
});

describe('session keys', () => {
  const staticKeys = { enc: fromHex(VECTORS.password.enc), mac: fromHex(VECTORS.password.mac) };
  const host = fromHex(VECTORS.login.hostChallenge);
  const created = fromHex(VECTORS.login.created);
  const card = created.subarray(4, 12);

  test('give the cryptograms that a real device and host exchanged', () => {
    const derived = deriveSymmetricSession(staticKeys, { host, card });
    expect(toHex(derived.cardCryptogram)).toBe(toHex(created.subarray(12, 20)));
    expect(toHex(derived.hostCryptogram)).toBe(VECTORS.login.authenticate.slice(8, 24));
  });

  test('follow the derivation data of SCP03, written out', () => {
    const derived = deriveSymmetricSession(staticKeys, { host, card });
    const input = (constant: string, bits: string): Buffer =>
      Buffer.concat([fromHex(`0000000000000000000000${constant}00${bits}01`), host, card]);
    expect(toHex(derived.keys.enc)).toBe(referenceCmac(staticKeys.enc, input('04', '0080')).toString('hex'));
    expect(toHex(derived.keys.mac)).toBe(referenceCmac(staticKeys.mac, input('06', '0080')).toString('hex'));
    expect(toHex(derived.keys.rmac)).toBe(referenceCmac(staticKeys.mac, input('07', '0080')).toString('hex'));
  });

  test('are others for other challenges, the two not being interchangeable', () => {
    const one = deriveSymmetricSession(staticKeys, { host, card });
    const other = deriveSymmetricSession(staticKeys, { host: card, card: host });
    expect(toHex(one.keys.enc)).not.toBe(toHex(other.keys.enc));
  });

  test('of an asymmetric login depend on every secret and point', () => {
    const bytes = (fill: number, length: number): Uint8Array => new Uint8Array(length).fill(fill);
    const base = deriveAsymmetricSession(
      { ephemeral: bytes(1, 32), static: bytes(2, 32) },
      { host: bytes(3, 65), card: bytes(4, 65) },
    );
    const swapped = deriveAsymmetricSession(
      { ephemeral: bytes(2, 32), static: bytes(1, 32) },
      { host: bytes(3, 65), card: bytes(4, 65) },
    );
    const mirrored = deriveAsymmetricSession(
      { ephemeral: bytes(1, 32), static: bytes(2, 32) },
      { host: bytes(4, 65), card: bytes(3, 65) },
    );
    expect(toHex(swapped.keys.enc)).not.toBe(toHex(base.keys.enc));
    expect(toHex(mirrored.receipt)).not.toBe(toHex(base.receipt));
    expect(new Set([base.keys.enc, base.keys.mac, base.keys.rmac].map(toHex)).size).toBe(3);
  });

  test('X9.63 is the vector of ANSI X9.63 that NIST publishes (SHA-256, 128 bits)', () => {
    const secret = fromHex('96c05619d56c328ab95fe84b18264b08725b85e33fd34f08');
    expect(toHex(x963Sha256(secret, new Uint8Array(0), 16))).toBe('443024c3dae66b95e6f5670601558f71');
  });

  test('are gone when wiped', () => {
    const { keys } = deriveSymmetricSession(staticKeys, { host, card });
    wipeSessionKeys(keys);
    expect([...keys.enc, ...keys.mac, ...keys.rmac].every((byte) => byte === 0)).toBe(true);
  });
});
