/** Private keys directly under RSA-OAEP, which the standard does not have and some devices do. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { CLOUDHSM_PROFILE } from '../../../../src/adapters/cloudhsm/profile.ts';
import { CKA, CKM, CKO, CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { clearOf, oaep, rsaKeyAt } from '../../../support/pkcs11-bent-wraps.ts';
import { type BentOptions, openBent } from '../../../support/pkcs11-devices.ts';
import {
  importWrapper,
  makeSigningPair,
  OUTSIDE,
  OUTSIDE_LONG,
  openOaep,
  publicHalfOf,
  wrapWith,
} from '../../../support/pkcs11-private-keys.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

const PROFILE = { ...CLOUDHSM_PROFILE, uniqueIds: false, settle: { reads: 1, intervalMs: 0 } };

async function bent(options: BentOptions = {}) {
  const made = await openBent({ ...options, open: { profile: PROFILE, ...options.open } });
  open.push(made.device);
  /** Everything that lives on the device, in whatever session. */
  const objects = () => made.module.findObjects(made.module.C_OpenSession(0n), []).length;
  return { ...made, objects, wrapper: await importWrapper(made.device, OUTSIDE) };
}

describe('a private key directly under RSA-OAEP', () => {
  /** A device that goes beyond the standard; `form`: what it makes of the key. */
  const generous = (form: (pkcs8: Uint8Array) => Uint8Array): BentOptions => ({
    bend: (real) => ({
      C_WrapKey: async (session, mechanism, wrapping, payload) => {
        const [keyClass] = real.C_GetAttributeValue(session, payload, [CKA.CLASS]);
        if (mechanism.type !== CKM.RSA_PKCS_OAEP || keyClass?.value?.[0] !== CKO.PRIVATE_KEY) {
          return await real.C_WrapKey(session, mechanism, wrapping, payload);
        }
        const oaepHash =
          mechanism.parameter?.kind === 'oaep' && mechanism.parameter.hash === CKM.SHA256 ? 'sha256' : 'sha1';
        return oaep(form(await clearOf(real, session, payload)), rsaKeyAt(real, session, wrapping), oaepHash);
      },
    }),
  });

  const wrapArgs = (key: KeyRef, wrapper: KeyRef, mechanism: string) => ({ key, 'wrapping-key': wrapper, mechanism });

  it.each(['P-256', 'P-384', 'secp256k1'])('moves on %s where the device does so', async (curve) => {
    const { device, wrapper, objects } = await bent(generous((pkcs8) => pkcs8));
    const { privateKey } = await makeSigningPair(device, curve);
    const before = objects();
    const wrapped = await wrapWith(device, privateKey, wrapper, 'rsa-oaep-sha256');
    const opened = openOaep(wrapped.bytes, OUTSIDE.privateKey, 'sha256');
    expect(publicHalfOf(opened).equals(await device.publicKey(privateKey))).toBe(true);
    expect(objects()).toBe(before);
  });

  it('does not fit on P-521 under 2048 bits, and does under 3072', async () => {
    const { device, wrapper } = await bent(generous((pkcs8) => pkcs8));
    const { privateKey } = await makeSigningPair(device, 'P-521');
    const args = wrapArgs(privateKey, wrapper, 'rsa-oaep-sha256');
    const reason =
      'its about 241 bytes (PKCS#8) do not fit: rsa-oaep-sha256 takes at most 190; rsa-aes-kwp-sha256 takes any length';
    expect(await device.preview('wrap-key', [args], null)).toEqual([[{ level: 'block', reason }]]);
    await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'device-refused' });
    const long = await importWrapper(device, OUTSIDE_LONG);
    const wrapped = await wrapWith(device, privateKey, long, 'rsa-oaep-sha256');
    const opened = openOaep(wrapped.bytes, OUTSIDE_LONG.privateKey, 'sha256');
    expect(publicHalfOf(opened).equals(await device.publicKey(privateKey))).toBe(true);
  });

  it('is noted in the plan where the device adds zero bytes, which strict readers refuse', async () => {
    const { device, wrapper } = await bent(generous((pkcs8) => Buffer.concat([pkcs8, Buffer.alloc(5)])));
    const { privateKey } = await makeSigningPair(device, 'P-256');
    const args = wrapArgs(privateKey, wrapper, 'rsa-oaep-sha256');
    const [findings] = await device.preview('wrap-key', [args], null);
    expect(findings).toEqual([{ level: 'note', reason: expect.stringContaining('adds zero bytes to a private key') }]);
    const wrapped = await wrapWith(device, privateKey, wrapper, 'rsa-oaep-sha256');
    expect(openOaep(wrapped.bytes, OUTSIDE.privateKey, 'sha256').subarray(-5)).toEqual(Buffer.alloc(5));
  });

  it('is blocked in the plan where the device refuses it, as the standard has it', async () => {
    const { device, wrapper, objects } = await bent();
    const { privateKey } = await makeSigningPair(device, 'P-256');
    const before = objects();
    const args = wrapArgs(privateKey, wrapper, 'rsa-oaep-sha256');
    const [findings] = await device.preview('wrap-key', [args], null);
    expect(findings).toEqual([{ level: 'block', reason: 'bent does not wrap private keys with rsa-oaep-sha256' }]);
    await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'key-not-extractable' });
    expect(objects()).toBe(before);
  });

  it('is refused where the device gives the bare scalar and not PKCS#8', async () => {
    const { device, wrapper } = await bent(generous((pkcs8) => pkcs8.subarray(36, 68)));
    const { privateKey } = await makeSigningPair(device, 'P-256');
    const args = wrapArgs(privateKey, wrapper, 'rsa-oaep-sha256');
    const [findings] = await device.preview('wrap-key', [args], null);
    expect(findings?.[0]).toMatchObject({ level: 'block', reason: expect.stringContaining('not PKCS#8') });
    await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'mechanism-invalid' });
  });

  it('is asked for again when the device could not answer', async () => {
    let isBusy = false;
    const { device, wrapper } = await bent({
      bend: (real) => ({
        C_WrapKey: async (session, mechanism, wrapping, payload) => {
          if (isBusy) throw new CryptokiError('C_WrapKey', CKR.DEVICE_ERROR);
          return await real.C_WrapKey(session, mechanism, wrapping, payload);
        },
      }),
    });
    const { privateKey } = await makeSigningPair(device, 'P-256');
    const args = wrapArgs(privateKey, wrapper, 'rsa-oaep-sha256');
    isBusy = true;
    expect(await device.preview('wrap-key', [args], null)).toEqual([[]]);
    isBusy = false;
    const [findings] = await device.preview('wrap-key', [args], null);
    expect(findings?.[0]?.level).toBe('block');
  });

  it('never fits for RSA', async () => {
    const { device, wrapper } = await bent();
    const { privateKey } = await makeSigningPair(device, 'rsa');
    for (const mechanism of ['rsa-oaep-sha1', 'rsa-oaep-sha512']) {
      const [findings] = await device.preview('wrap-key', [wrapArgs(privateKey, wrapper, mechanism)], null);
      expect(findings?.[0]).toMatchObject({ level: 'block', reason: expect.stringContaining('do not fit') });
    }
  });
});
