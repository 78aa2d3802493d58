/** What every device that makes key pairs must do with them: chosen by its capabilities. The blobs are opened here, by OpenSSL. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, DeviceDescription } from '../../src/adapters/adapter.ts';
import { fingerprintOf, PROBE_MESSAGE } from '../../src/keys/fingerprint.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import { CURVES } from '../../src/keys/key-spec.ts';
import { listKeys, makeKey, makeRoute, SALT, unwrapCall, wrapCall } from '../support/pkcs11-devices.ts';
import {
  importWrapper,
  makeSigningPair,
  OUTSIDE,
  openHybrid,
  openOaep,
  publicHalfOf,
  wrapWith,
} from '../support/pkcs11-private-keys.ts';

const BITS = { 'P-256': 256, 'P-384': 384, 'P-521': 521, secp256k1: 256 } as const;
const HYBRIDS = [
  ['rsa-aes-kwp-sha1', 'sha1'],
  ['rsa-aes-kwp-sha256', 'sha256'],
] as const;

export function asymmetricConformance(name: string, factory: () => Promise<Device>, hybrids: readonly string[]): void {
  describe(`${name}: key pairs`, () => {
    let device: Device;
    let description: DeviceDescription;
    let wrapper: KeyRef;
    beforeAll(async () => {
      device = await factory();
      description = await device.describe();
      wrapper = await importWrapper(device, OUTSIDE);
    }, 60_000);
    afterAll(async () => {
      await device?.close();
    });

    const kinds = ['rsa', ...CURVES];

    it('says which hybrids it can do, and which types of key it makes', () => {
      const known = HYBRIDS.map(([mechanism]) => mechanism);
      expect(known.filter((mechanism) => description.capabilities.wrap.includes(mechanism))).toEqual(hybrids);
      expect(description.capabilities.generate).toEqual(expect.arrayContaining(['rsa', 'ec', 'generic-secret']));
    });

    it.each(kinds)(
      'makes a %s pair that signs, and shows one public key for both halves',
      async (kind) => {
        const pair = await makeSigningPair(device, kind, { label: 'shown', extractable: false });
        const [privateRecord, publicRecord] = [await device.read(pair.privateKey), await device.read(pair.publicKey)];
        expect(privateRecord.attributes).toMatchObject({ sign: true, decrypt: false, unwrap: false, sensitive: true });
        expect(privateRecord).toMatchObject({ exportable: false, class: 'private' });
        expect(publicRecord.attributes).toMatchObject({ verify: true, encrypt: false, wrap: false });
        const curve = CURVES.find((known) => known === kind);
        const wanted = curve === undefined ? { type: 'rsa', bits: 2048 } : { type: 'ec', bits: BITS[curve], curve };
        for (const record of [privateRecord, publicRecord]) {
          expect(record).toMatchObject(wanted);
          if (curve === undefined) expect(record).not.toHaveProperty('curve');
        }
        const spki = Buffer.from(await device.publicKey(pair.publicKey));
        expect(Buffer.from(await device.publicKey(pair.privateKey))).toEqual(spki);
        const made = (key: KeyRef) => device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb', 'public-key'] });
        expect(await made(pair.privateKey)).toEqual(fingerprintOf('public-key', SALT, spki));
        expect(await made(pair.publicKey)).toEqual(await made(pair.privateKey));
      },
      60_000,
    );

    it.each(kinds)(
      'wraps a %s private key by the hybrid, or says why not',
      async (kind) => {
        const { privateKey } = await makeSigningPair(device, kind, { label: 'leaves' });
        const record = await device.read(privateKey);
        const spki = Buffer.from(await device.publicKey(privateKey));
        const before = (await listKeys(device)).length;
        for (const [mechanism, hash] of HYBRIDS) {
          const call = { action: 'wrap-key', args: { key: privateKey, 'wrapping-key': wrapper, mechanism } };
          const [findings] = await device.preview('wrap-key', [call.args], null);
          if (!hybrids.includes(mechanism)) {
            await expect(device.perform(call)).rejects.toMatchObject({ code: 'capability-missing' });
            expect(findings?.[0]).toMatchObject({ level: 'block', reason: expect.stringContaining(mechanism) });
          } else if (record.exportable) {
            expect(findings?.filter(({ level }) => level !== 'note')).toEqual([]);
            const wrapped = await wrapWith(device, privateKey, wrapper, mechanism);
            expect(publicHalfOf(openHybrid(wrapped.bytes, OUTSIDE.privateKey, hash)).equals(spki)).toBe(true);
          } else {
            await expect(device.perform(call)).rejects.toMatchObject({ code: 'key-not-extractable' });
            expect(findings).toEqual([{ level: 'block', reason: record.reason }]);
          }
        }
        expect(await listKeys(device)).toHaveLength(before);
      },
      60_000,
    );

    it('refuses a private key that is not extractable, by any mechanism', async () => {
      const { privateKey } = await makeSigningPair(device, 'P-256', { label: 'stays', extractable: false });
      for (const mechanism of description.capabilities.wrap.filter((known) => known.startsWith('rsa-'))) {
        await expect(wrapWith(device, privateKey, wrapper, mechanism)).rejects.toMatchObject({
          code: 'key-not-extractable',
          outcome: 'not-applied',
        });
      }
    });

    it('wraps AES and HMAC keys by the hybrid and by OAEP, as far as it has them', async () => {
      const aes = await makeKey(device, { label: 'aes', id: '0a' });
      const hmac = await makeKey(device, { type: 'generic-secret', bits: 384, label: 'hmac', id: '0b' });
      const macOf = await device.fingerprint({ key: hmac, salt: SALT, methods: ['mac'] });
      const offered = ['rsa-oaep-sha1', ...hybrids].filter((known) => description.capabilities.wrap.includes(known));
      for (const mechanism of offered) {
        const hash = mechanism.endsWith('sha1') ? 'sha1' : 'sha256';
        const open = mechanism.startsWith('rsa-oaep') ? openOaep : openHybrid;
        const opened = async (key: KeyRef) =>
          open((await wrapWith(device, key, wrapper, mechanism)).bytes, OUTSIDE.privateKey, hash);
        expect(await opened(aes)).toHaveLength(32);
        const call = { key: hmac, 'wrapping-key': wrapper, mechanism };
        const [findings] = await device.preview('wrap-key', [call], null);
        if (findings?.some(({ level }) => level === 'block')) {
          await expect(wrapWith(device, hmac, wrapper, mechanism)).rejects.toMatchObject({ outcome: 'not-applied' });
          continue;
        }
        const bytes = await opened(hmac);
        expect(bytes).toHaveLength(48);
        const made = createHmac('sha256', bytes).update(PROBE_MESSAGE).digest();
        expect(macOf).toEqual(fingerprintOf('mac', SALT, made));
      }
    });

    it('gives another blob each time, for its inner key serves once', async () => {
      const aes = await makeKey(device, { label: 'twice' });
      for (const mechanism of hybrids) {
        const [one, two] = [
          await wrapWith(device, aes, wrapper, mechanism),
          await wrapWith(device, aes, wrapper, mechanism),
        ];
        expect(Buffer.from(one.bytes.subarray(256)).equals(two.bytes.subarray(256))).toBe(false);
      }
    });

    it('unwraps what the hybrid wrapped, where it says that it can', async () => {
      const route = await makeRoute(device, device);
      for (const [mechanism] of HYBRIDS) {
        const isOffered = description.capabilities.unwrap.includes(mechanism);
        const { privateKey } = await makeSigningPair(device, 'rsa', { label: `like-${mechanism}` });
        const like = (await device.read(privateKey)).exportable
          ? privateKey
          : await makeKey(device, { label: mechanism });
        if (!hybrids.includes(mechanism)) continue;
        const wrapped = (await device.perform(wrapCall(like, route, mechanism))).outputs.data;
        const call = unwrapCall(wrapped, like, route, { label: 'arrived', id: `ff${mechanism.length}` });
        if (!isOffered) {
          await expect(device.perform(call)).rejects.toMatchObject({ code: 'capability-missing' });
          continue;
        }
        const { outputs, violations } = await device.perform(call);
        expect(violations).toEqual([]);
        const request = { salt: SALT, methods: ['encrypt-ecb', 'public-key'] as const };
        const arrived = await device.fingerprint({ key: outputs.key as KeyRef, ...request });
        expect(arrived).not.toBeNull();
        expect(arrived).toEqual(await device.fingerprint({ key: like, ...request }));
        const damaged = { ...(wrapped as { bytes: Uint8Array }) };
        damaged.bytes = damaged.bytes.map((byte, at) => (at === damaged.bytes.length - 1 ? byte ^ 1 : byte));
        await expect(device.perform(unwrapCall(damaged, like, route, { id: 'fe' }))).rejects.toMatchObject({
          code: 'device-refused',
        });
      }
    }, 60_000);
  });
}
