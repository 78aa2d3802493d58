import { describe, expect, it } from 'vitest';
import { simulatedTool } from '../../../../../src/adapters/cloudhsm/admin/simulator/simulated-tool.ts';
import { Secret } from '../../../../../src/keys/secret.ts';
import { administered, failingAt, intent, perform, silentAfter } from '../../../../support/cluster-administration.ts';
import { aCluster, nodeAt, PASSWORD } from '../../../../support/cluster-fixtures.ts';
import { temporaryHome } from '../../../../support/pkcs11-devices.ts';

const password = new Secret('correct-horse');
const alice = { username: 'Alice', role: 'crypto-user', password };

describe('create-user', () => {
  it('makes the user on every HSM, with the password that was given', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    expect((await perform(device, 'create-user', alice)).outputs).toEqual({ user: 'alice' });
    for (const node of cluster.nodes) node.login('CU', 'alice', 'correct-horse').logout();
    const { outputs } = await perform(device, 'list-users');
    expect(outputs).toEqual({
      admins: ['admin', 'officer1', 'officer2'],
      crypto_users: ['user4', 'user5', 'alice'],
      locked: [],
    });
  });

  it('leaves a user of that name alone, whatever its role', async () => {
    const device = await administered(await aCluster());
    for (const username of ['user5', 'OFFICER2']) {
      const args = { username, role: 'crypto-user', password };
      expect((await device.preview('create-user', [args], null))[0]).toMatchObject([{ level: 'block' }]);
      await expect(perform(device, 'create-user', args)).rejects.toMatchObject({
        code: 'device-refused',
        outcome: 'not-applied',
      });
      const call = await intent(device, 'create-user', args);
      expect(await device.reconcile(call, null)).toMatchObject({ state: 'ambiguous' });
    }
  });

  it.each([
    ['a name with a blank', { username: 'a b' }],
    ['a name of 32 characters', { username: 'a'.repeat(32) }],
    ['a password of seven characters', { password: new Secret('1234567') }],
    ['a password of two lines', { password: new Secret('12345678\n12345678') }],
    ['a password in clear', { password: 'correct-horse' }],
  ])('refuses %s before the tool is asked', async (_, wrong) => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    await expect(device.perform({ action: 'create-user', args: { ...alice, ...wrong } })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    expect(nodeAt(cluster, 0).users()).toHaveLength(6);
  });

  it('finds the user when the answer was lost, and says that there is none when nothing was done', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { tool: silentAfter(simulatedTool(cluster), 'user create') });
    const call = await intent(device, 'create-user', alice);
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done', outputs: { user: 'alice' } });
  });

  it('cannot settle a user that only some HSMs have, and sync-check names them', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { tool: failingAt(cluster, 'user create') });
    const call = await intent(device, 'create-user', alice);
    await expect(device.perform(call)).rejects.toMatchObject({ outcome: 'unknown' });
    cluster.restore(4);
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'ambiguous' });
    await expect(perform(device, 'sync-check')).rejects.toMatchObject({
      code: 'out-of-sync',
      message: expect.stringContaining('alice'),
    });
    await perform(device, 'sync-repair', { from: 3 });
    expect((await perform(device, 'sync-check')).outputs).toEqual({ in_sync: true, differences: [] });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
  });

  it('needs an admin', async () => {
    const device = await administered(await aCluster(), { admin: null });
    await expect(perform(device, 'create-user', alice)).rejects.toMatchObject({
      code: 'capability-missing',
      message: expect.stringContaining('admin-pin'),
    });
  });
});

describe('the login of the tool', () => {
  it('is tried once; a refused password is not tried again, by no process of this home', async () => {
    const cluster = await aCluster();
    const options = { adminPassword: 'wrong-password', home: temporaryHome() };
    const device = await administered(cluster, options);
    const failures = () =>
      nodeAt(cluster, 0)
        .users()
        .find((user) => user.name === 'officer1')?.loginFailures;
    for (let call = 0; call < 3; call += 1) {
      await expect(perform(device, 'create-user', alice)).rejects.toMatchObject({
        code: 'login-refused',
        outcome: 'not-applied',
        scope: 'run',
      });
    }
    expect(failures()).toBe(1);
    const later = await administered(cluster, options);
    await expect(perform(later, 'create-user', alice)).rejects.toMatchObject({ code: 'login-remembered' });
    expect(failures()).toBe(1);
    const corrected = await administered(cluster, { home: options.home });
    await perform(corrected, 'create-user', alice);
  });

  it('says no password of a user that is not there', async () => {
    const device = await administered(await aCluster(), { admin: 'nobody' });
    await expect(perform(device, 'create-user', alice)).rejects.toMatchObject({ code: 'login-refused' });
  });

  it('does not touch a locked user', async () => {
    const cluster = await aCluster();
    for (let wrong = 0; wrong < 6; wrong += 1) {
      for (const node of cluster.nodes) expect(() => node.login('CO', 'officer1', 'wrong-password')).toThrow();
    }
    const device = await administered(cluster);
    await expect(perform(device, 'create-user', alice)).rejects.toMatchObject({ code: 'pin-locked' });
    expect((await perform(device, 'list-users')).outputs.locked).toEqual(['officer1']);
  });
});

describe('delete-user', () => {
  it('deletes the user from every HSM, once', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    const args = { username: 'user5', role: 'crypto-user' };
    const call = { action: 'delete-user', args };
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await device.perform(call);
    for (const node of cluster.nodes) expect(node.users().map((user) => user.name)).not.toContain('user5');
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });

  it('is refused for a user that owns keys, and nothing has changed', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    await perform(device, 'generate-key', { type: 'aes', bits: 256, label: 'own' });
    await expect(perform(device, 'delete-user', { username: 'user4', role: 'crypto-user' })).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
      message: expect.stringContaining('owns keys'),
    });
  });

  it('knows roles apart', async () => {
    const device = await administered(await aCluster());
    await expect(perform(device, 'delete-user', { username: 'user5', role: 'admin' })).rejects.toMatchObject({
      code: 'device-refused',
    });
  });
});

describe('change-password', () => {
  const args = { username: 'user5', role: 'crypto-user', password };

  it('gives the new password to every HSM', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster);
    await perform(device, 'change-password', args);
    for (const node of cluster.nodes) {
      expect(() => node.login('CU', 'user5', PASSWORD)).toThrow();
      node.login('CU', 'user5', 'correct-horse').logout();
    }
  });

  it('is never settled by a trial login', async () => {
    const cluster = await aCluster();
    const device = await administered(cluster, { tool: silentAfter(simulatedTool(cluster), 'user change-password') });
    const call = { action: 'change-password', args };
    await expect(device.perform(call)).rejects.toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'ambiguous' });
  });

  it('is not for the users that keyferry logs in as', async () => {
    const device = await administered(await aCluster());
    const own = { username: 'USER4', role: 'crypto-user', password };
    expect((await device.preview('change-password', [own], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(perform(device, 'change-password', own)).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
