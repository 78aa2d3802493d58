import { describe, expect, it } from 'vitest';
import { cloudhsm } from '../../../../src/adapters/cloudhsm/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { listKeys, makeKey, makeRoute, openSimulated, unwrapCall, wrapCall } from '../../../support/pkcs11-devices.ts';

describe('cloudhsm', () => {
  it('says how many keys still fit', async () => {
    const device = await openSimulated(cloudhsm, { 'hsm-type': 'hsm1.medium' });
    expect((await device.describe()).capabilities.capacity).toBe(3300);
    await makeKey(device);
    expect((await device.describe()).capabilities.capacity).toBe(3299);
    await device.close();
    const unlimited = await openSimulated(cloudhsm, { 'hsm-type': 'unlimited' });
    expect((await unlimited.describe()).capabilities.capacity).toBeNull();
    await unlimited.close();
  });

  it('is full when it is full: nothing was made, and nothing further may start', async () => {
    const device = await openSimulated(cloudhsm, { 'hsm-type': 'hsm1.medium' });
    await device.fill?.({ count: 3300, type: 'aes-128', prefix: 'k', nonextractableShare: 0 });
    await expect(makeKey(device)).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
      scope: 'run',
    });
    await device.close();
  });

  it('refuses a second key with the same id, and makes nothing', async () => {
    const device = await openSimulated(cloudhsm);
    await makeKey(device, { id: '0a' });
    await expect(makeKey(device, { id: '0a' })).rejects.toMatchObject({ outcome: 'not-applied' });
    expect(await listKeys(device)).toHaveLength(1);
    await device.close();
  });

  it('cannot change attributes, and says so in the plan', async () => {
    const device = await openSimulated(cloudhsm);
    const key = await makeKey(device);
    const args = { key, name: 'wrap', value: true };
    expect((await device.preview('set-attribute', [args], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(device.perform({ action: 'set-attribute', args })).rejects.toMatchObject({
      code: 'capability-missing',
    });
    await device.close();
  });

  it.each(['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha384', 'rsa-oaep-sha512'])(
    'moves a key by %s',
    async (mechanism) => {
      const device = await openSimulated(cloudhsm);
      const route = await makeRoute(device, device);
      const like = await makeKey(device, { label: 'like', id: '01' });
      const { outputs } = await device.perform(wrapCall(like, route, mechanism));
      const arrived = await device.perform(unwrapCall(outputs.data, like, route, { id: '02' }));
      expect(arrived.violations).toEqual([]);
      const [source, target] = [await device.read(like), await device.read(arrived.outputs.key as KeyRef)];
      expect([target.kcv, target.attributes.local]).toEqual([source.kcv, false]);
      await device.close();
    },
  );

  it.each(['aes-kw', 'aes-kwp', 'aes-kw-pkcs5'])('moves a key under a transit key by %s', async (mechanism) => {
    const device = await openSimulated(cloudhsm);
    const kek = await makeKey(device, { label: 'kek', purpose: 'wrapping', extractable: undefined });
    const route = { publicKey: kek, privateKey: kek, wrapper: kek };
    const like = await makeKey(device, { label: 'like', id: '01' });
    const { outputs } = await device.perform(wrapCall(like, route, mechanism));
    const arrived = await device.perform(unwrapCall(outputs.data, like, route, { id: '02' }));
    expect(arrived.violations).toEqual([]);
    expect((await device.read(arrived.outputs.key as KeyRef)).kcv).toBe((await device.read(like)).kcv);
    await device.close();
  });
});
