/** Whose public key it is: taken from the key itself, or from the object that goes with it, and never guessed. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { CKA } from '../../../../src/adapters/pkcs11/constants.ts';
import { spkiSha256 } from '../../../../src/keys/public-key.ts';
import { type BentOptions, listKeys, makeKey, openBent, SALT } from '../../../support/pkcs11-devices.ts';
import { makeSigningPair } from '../../../support/pkcs11-private-keys.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function bent(options: BentOptions = {}): Promise<Device> {
  const { device } = await openBent(options);
  open.push(device);
  return device;
}

/** A module that does not show these attributes. */
const hiding = (...types: readonly number[]): BentOptions => ({
  bend: (real) => ({
    C_GetAttributeValue: (session, object, wanted) =>
      real
        .C_GetAttributeValue(session, object, wanted)
        .map((reading) => (types.includes(reading.type) ? { ...reading, value: null } : reading)),
  }),
});

const fingerprints = { fingerprint: { salt: SALT, methods: ['public-key'] as const } };

describe('the public half of an EC private key', () => {
  it('is the public key with its id', async () => {
    const device = await bent();
    const [one, other] = [
      await makeSigningPair(device, 'P-256', { label: 'same' }),
      await makeSigningPair(device, 'P-256', { label: 'same' }),
    ];
    const halves = [];
    for (const { publicKey, privateKey } of [one, other]) {
      const half = spkiSha256(await device.publicKey(privateKey));
      expect(half).toBe(spkiSha256(await device.publicKey(publicKey)));
      halves.push(half);
    }
    expect(halves[0]).not.toBe(halves[1]);
  });

  it('is taken once where the same public key is there twice, with another curve beside it', async () => {
    const device = await bent();
    const { privateKey, publicKey } = await makeSigningPair(device, 'P-256', { id: '01' });
    await makeSigningPair(device, 'P-384', { id: '01', label: 'other curve' });
    expect(await device.publicKey(privateKey)).toEqual(await device.publicKey(publicKey));
  });

  it('is refused where two different public keys have its id', async () => {
    const device = await bent();
    const { privateKey } = await makeSigningPair(device, 'P-256', { id: '01' });
    await makeSigningPair(device, 'P-256', { id: '01', label: 'second' });
    await expect(device.publicKey(privateKey)).rejects.toMatchObject({
      code: 'capability-missing',
      message: expect.stringContaining('2 different public keys on P-256 have its id 01'),
    });
  });

  it('is refused where there is none any more', async () => {
    const device = await bent();
    const { privateKey, publicKey } = await makeSigningPair(device, 'secp256k1', { id: '02' });
    await device.perform({ action: 'delete-key', args: { key: publicKey } });
    await expect(device.publicKey(privateKey)).rejects.toMatchObject({
      code: 'capability-missing',
      message: expect.stringContaining('no public key on secp256k1 with its id 02'),
    });
    await expect(device.perform({ action: 'export-public-key', args: { key: privateKey } })).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });
});

describe('an inventory', () => {
  it('lists a key without public half, and its neighbours with theirs', async () => {
    const device = await bent();
    const lone = await makeSigningPair(device, 'P-256', { label: 'lone', id: '03' });
    await device.perform({ action: 'delete-key', args: { key: lone.publicKey } });
    await makeSigningPair(device, 'P-384', { label: 'whole', id: '04' });
    const records = await listKeys(device, { classes: ['private'], ...fingerprints });
    const methods = Object.fromEntries(
      records.map(({ label, locator }) => [label, locator.fingerprint?.method ?? null]),
    );
    expect(methods).toEqual({ lone: null, whole: 'public-key' });
  });

  it('says no curve and no length where the device names none', async () => {
    const device = await bent(hiding(CKA.EC_PARAMS));
    await expect(makeSigningPair(device, 'P-256')).rejects.toMatchObject({ code: 'capability-missing' });
    const [record] = await listKeys(device, { classes: ['private'], ...fingerprints });
    expect(record).toMatchObject({ type: 'ec', bits: 0 });
    expect(record).not.toHaveProperty('curve');
    expect(record?.locator.fingerprint).toBeNull();
  });

  it('takes the exponent of an RSA private key from its public half, and lists it without one', async () => {
    const device = await bent({
      bend: (real) => ({
        C_GetAttributeValue: (session, object, wanted) => {
          const readings = real.C_GetAttributeValue(session, object, [...wanted, CKA.CLASS]);
          const isPrivate = readings.at(-1)?.value?.[0] === 3;
          return readings
            .slice(0, -1)
            .map((reading) =>
              isPrivate && reading.type === CKA.PUBLIC_EXPONENT ? { ...reading, value: null } : reading,
            );
        },
      }),
    });
    const { privateKey, publicKey } = await makeSigningPair(device, 'rsa');
    expect(await device.publicKey(privateKey)).toEqual(await device.publicKey(publicKey));
    await device.perform({ action: 'delete-key', args: { key: publicKey } });
    await expect(device.publicKey(privateKey)).rejects.toMatchObject({ code: 'capability-missing' });
    const [record] = await listKeys(device, fingerprints);
    expect(record).toMatchObject({ class: 'private', type: 'rsa', bits: 2048, locator: { fingerprint: null } });
  });

  it('does not break off at a point that is none', async () => {
    const device = await bent({
      bend: (real) => ({
        C_GetAttributeValue: (session, object, wanted) =>
          real
            .C_GetAttributeValue(session, object, wanted)
            .map((reading) =>
              reading.type === CKA.EC_POINT && reading.value ? { ...reading, value: Uint8Array.of(4) } : reading,
            ),
      }),
    });
    await expect(makeSigningPair(device, 'P-256', { label: 'odd' })).rejects.toMatchObject({ outcome: 'unknown' });
    const records = await listKeys(device, fingerprints);
    expect(records.map(({ locator }) => locator.fingerprint)).toEqual([null, null]);
  });
});

describe('a secret key', () => {
  it('has no public half', async () => {
    const device = await bent();
    const key = await makeKey(device);
    await expect(device.publicKey(key)).rejects.toMatchObject({ code: 'capability-missing' });
    await expect(device.perform({ action: 'export-public-key', args: { key } })).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });
});
