import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { simulatedTool } from '../../../../../src/adapters/cloudhsm/admin/simulator/simulated-tool.ts';
import type { KeyRef } from '../../../../../src/keys/key-record.ts';
import { administered, failingAt, perform, silentAfter } from '../../../../support/cluster-administration.ts';
import { aCluster } from '../../../../support/cluster-fixtures.ts';
import { SALT } from '../../../../support/pkcs11-devices.ts';

async function aKey(device: Device, more: Readonly<Record<string, unknown>> = {}): Promise<KeyRef> {
  const attributes = { wrap: true, unwrap: true };
  const args = { type: 'aes', bits: 256, label: 'shared', attributes, ...more };
  return (await perform(device, 'generate-key', args)).outputs.key as KeyRef;
}

describe('share-key', () => {
  it('lets the other user use the key on every HSM, until unshare-key', async () => {
    const cluster = await aCluster();
    const owner = await administered(cluster);
    const other = await administered(cluster, { user: 'user5' });
    const key = await aKey(owner);
    await expect(other.read(key)).rejects.toMatchObject({ code: 'key-not-found' });
    await perform(owner, 'share-key', { key, username: 'User5' });
    expect((await perform(owner, 'key-info', { key })).outputs).toMatchObject({
      owner: 'user4',
      shared_with: ['user5'],
    });
    expect((await other.read(key)).label).toBe('shared');
    expect((await perform(other, 'key-info', { key })).outputs).toMatchObject({ owner: 'user4' });
    await perform(owner, 'unshare-key', { key, username: 'user5' });
    await expect(other.read(key)).rejects.toMatchObject({ code: 'key-not-found' });
  });

  it('is the owner’s to say', async () => {
    const cluster = await aCluster();
    const owner = await administered(cluster);
    const other = await administered(cluster, { user: 'user5' });
    const key = await aKey(owner);
    await perform(owner, 'share-key', { key, username: 'user5' });
    const args = { key, username: 'user4' };
    expect((await other.preview('unshare-key', [args], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(perform(other, 'unshare-key', args)).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
  });

  it('refuses users that are not there', async () => {
    const device = await administered(await aCluster());
    const args = { key: await aKey(device), username: 'nobody' };
    expect((await device.preview('share-key', [args], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(perform(device, 'share-key', args)).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
  });

  it('is settled by asking', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { tool: silentAfter(simulatedTool(cluster), 'key share') });
    const call = { action: 'share-key', args: { key: await aKey(device), username: 'user5' } };
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
  });

  it('ends diverged when an HSM fails meanwhile; the check says where, the repair mends it', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { tool: failingAt(cluster, 'key share') });
    const key = await aKey(device);
    const call = { action: 'share-key', args: { key, username: 'user5' } };
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'device-refused', outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'ambiguous' });
    cluster.restore(4);
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'ambiguous' });
    await expect(perform(device, 'sync-check')).rejects.toMatchObject({ code: 'out-of-sync' });
    const found = await perform(device, 'sync-check', { require: false });
    expect(found.outputs).toMatchObject({ in_sync: false, differences: [expect.stringMatching(/sharing of key \d+/)] });
    await perform(device, 'sync-repair', { from: 3 });
    expect((await perform(device, 'sync-check')).outputs).toEqual({ in_sync: true, differences: [] });
    expect((await perform(device, 'key-info', { key })).outputs).toMatchObject({ shared_with: ['user5'] });
  });

  it('is not begun while an HSM is known to be down, and works when it is back', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    const key = await aKey(device);
    cluster.fail(4);
    const changes = [
      ['share-key', { key, username: 'user5' }],
      ['set-attribute', { key, name: 'wrap', value: false }],
    ] as const;
    for (const [action, args] of changes) {
      await expect(perform(device, action, args)).rejects.toMatchObject({
        code: 'out-of-sync',
        outcome: 'not-applied',
        message: expect.stringContaining('HSM 4 does not answer'),
      });
    }
    cluster.restore(4);
    expect((await perform(device, 'sync-check')).outputs).toEqual({ in_sync: true, differences: [] });
    for (const [action, args] of changes) await perform(device, action, args);
    expect((await perform(device, 'sync-check')).outputs).toEqual({ in_sync: true, differences: [] });
  });

  it('shows the same divergence by the tool alone, and has no repair there', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { nodes: null });
    const key = await aKey(device);
    expect((await perform(device, 'sync-check')).outputs).toEqual({ in_sync: true, differences: [] });
    const [first] = cluster.nodes;
    const { outputs } = await perform(device, 'key-info', { key });
    const user = first?.users().find(({ name }) => name === 'user5')?.id ?? 0;
    first?.login('CU', 'user4', 'password-1').share(Number(outputs.reference), user, true);
    await expect(perform(device, 'sync-check')).rejects.toMatchObject({
      code: 'out-of-sync',
      message: expect.stringContaining('user5'),
    });
    expect((await device.preview('sync-repair', [{}], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(perform(device, 'sync-repair')).rejects.toMatchObject({ code: 'capability-missing' });
  });
});

describe('set-attribute through the tool', () => {
  it('takes a right away on every HSM, and PKCS#11 sees it', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    const key = await aKey(device);
    const result = await perform(device, 'set-attribute', { key, name: 'wrap', value: false });
    expect(result).toMatchObject({ outputs: { key: { locator: { label: key.locator.label } } }, violations: [] });
    expect((await device.read(key)).attributes).toMatchObject({ wrap: false, unwrap: true });
    const again = { action: 'set-attribute', args: { key, name: 'wrap', value: false } };
    expect(await device.reconcile(again, null)).toMatchObject({ state: 'done' });
    const other = { action: 'set-attribute', args: { key, name: 'wrap', value: true } };
    expect(await device.reconcile(other, null)).toEqual({ state: 'absent' });
  });

  it('renames, and gives the key under its new name', async () => {
    const device = await administered(await aCluster());
    const key = await aKey(device);
    const args = { key, name: 'label', value: 'renamed' };
    const renamed = (await perform(device, 'set-attribute', args)).outputs.key as KeyRef;
    expect((await device.read(renamed)).label).toBe('renamed');
    expect(await device.reconcile({ action: 'set-attribute', args }, null)).toMatchObject({ state: 'done' });
  });

  it.each(['extractable', 'id', 'sensitive'])('never changes %s', async (name) => {
    const device = await administered(await aCluster());
    const args = { key: await aKey(device), name, value: name === 'id' ? '0a' : true };
    expect((await device.preview('set-attribute', [args], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(perform(device, 'set-attribute', args)).rejects.toMatchObject({ code: 'capability-missing' });
  });

  it('leaves trusted to the admin', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    const key = await aKey(device);
    await perform(device, 'set-attribute', { key, name: 'trusted', value: true });
    expect((await device.read(key)).attributes.trusted).toBe(true);
    const alone = await administered(cluster, { admin: null });
    await expect(perform(alone, 'set-attribute', { key, name: 'trusted', value: false })).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });

  it('is refused to whom the key is only shared with', async () => {
    const cluster = await aCluster();
    const owner = await administered(cluster);
    const key = await aKey(owner);
    await perform(owner, 'share-key', { key, username: 'user5' });
    const other = await administered(cluster, { user: 'user5' });
    await expect(perform(other, 'set-attribute', { key, name: 'wrap', value: false })).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
    expect((await owner.read(key)).attributes.wrap).toBe(true);
  });
});

describe('keys that the tool is to name', () => {
  it('are found by id, class and label, and by nothing less', async () => {
    const device = await administered(await aCluster());
    const key = await aKey(device);
    const { locator } = key;
    const other = (change: object): KeyRef => ({ ...key, locator: { ...locator, ...change } });
    for (const wrong of [{ label: 'ff' }, { id: 'ab'.repeat(16) }, { class: 'private' }, { serial: 'SIM0' }]) {
      const failed = perform(device, 'key-info', { key: other(wrong) });
      await expect(failed).rejects.toMatchObject({
        code: wrong.label === 'ff' ? 'capability-missing' : 'key-not-found',
      });
    }
  });

  it('are looked for on every page of a listing', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    const real = simulatedTool(cluster);
    const pages = await administered(cluster, {
      tool: {
        run: (args, options) =>
          real.run(
            args.map((word) => (word === '1000' ? '2' : word)),
            options,
          ),
      },
    });
    const keys = [];
    for (let number = 0; number < 5; number += 1) keys.push(await aKey(device, { label: 'many' }));
    const user = { username: 'user5' };
    for (const key of keys) await perform(pages, 'share-key', { key, ...user });
    expect((await perform(pages, 'sync-check', {})).outputs).toMatchObject({ in_sync: true });
  });
});

describe('a device without administration', () => {
  it('keeps what PKCS#11 says of set-attribute', async () => {
    const device = await administered(await aCluster());
    expect(
      await device.preview('set-attribute', [{ key: await aKey(device), name: 'wrap', value: true }], SALT),
    ).toEqual([[]]);
    await expect(device.expect({ action: 'share-key', args: {} }, null)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    await expect(device.reconcile({ action: 'key-info', args: {} }, null)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });
});
