import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { cloudhsm } from '../../../../../src/adapters/cloudhsm/adapter.ts';
import {
  aCluster,
  cryptoUser,
  logIn,
  makeAes,
  nodeAt,
  officer,
  PASSWORD,
  refusalOf,
  userId,
} from '../../../../support/cluster-fixtures.ts';
import { makeKey, openContext, openSimulated, SALT } from '../../../../support/pkcs11-devices.ts';

const CHILD = fileURLToPath(new URL('../../../../support/cluster-child.ts', import.meta.url));

const firstUse = async (device: Device) =>
  await device.fingerprint({ key: await makeKey(device), salt: SALT, methods: ['encrypt-ecb'] });

const folder = (): string => mkdtempSync(join(tmpdir(), 'keyferry-cluster-'));

function start(stateDir: string, name: string, count: number): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, stateDir, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return { child, lines };
}

describe('the state of a cluster', () => {
  test("is found again, with each HSM's own, in files that only the owner reads", async () => {
    const stateDir = folder();
    const first = await aCluster({ stateDir });
    const client = logIn(first);
    const handle = first.keyHandle(client.session, await makeAes(client));
    cryptoUser(nodeAt(first, 0)).share(handle, userId(nodeAt(first, 0), 'user5'), true);
    officer(nodeAt(first, 1)).createUser('CU', 'alice', PASSWORD);
    first.fail(5);
    await first.close();
    const second = await aCluster({ stateDir, nodes: [{ id: 9, address: 'ignored' }], users: [] });
    expect([second.id, second.serial]).toEqual([first.id, first.serial]);
    expect(second.nodes.map(({ id, isUp }) => [id, isUp])).toEqual([
      [3, true],
      [4, true],
      [5, false],
    ]);
    expect(cryptoUser(nodeAt(second, 0)).keyInfo(handle)).toMatchObject({ owner: 5, sharedWith: [6] });
    expect(
      nodeAt(second, 1)
        .users()
        .some(({ name }) => name === 'alice'),
    ).toBe(true);
    const again = logIn(second);
    expect(second.keyHandle(again.session, second.objectHandle(again.session, handle))).toBe(handle);
    expect(second.keyHandle(again.session, await makeAes(again))).toBe(handle + 1);
    for (const file of readdirSync(stateDir)) expect(statSync(join(stateDir, file)).mode & 0o077).toBe(0);
    expect(readFileSync(join(stateDir, 'cluster.json'), 'utf8')).not.toContain(PASSWORD);
    await second.close();
  });

  test('changes of one process show in the other at once', async () => {
    const stateDir = folder();
    const [one, other] = [await aCluster({ stateDir }), await aCluster({ stateDir })];
    const client = logIn(one);
    const handle = one.keyHandle(client.session, await makeAes(client));
    expect(cryptoUser(nodeAt(other, 2)).keyInfo(handle).handle).toBe(handle);
    officer(nodeAt(other, 0)).createUser('CU', 'alice', PASSWORD);
    expect(
      nodeAt(one, 0)
        .users()
        .some(({ name }) => name === 'alice'),
    ).toBe(true);
    other.fail(3);
    expect(refusalOf(() => nodeAt(one, 0).users())).toBe('node-down');
    await Promise.all([one.close(), other.close()]);
  });

  test('two processes that work on it at once lose nothing of each other', async () => {
    const stateDir = folder();
    await (await aCluster({ stateDir })).close();
    const runs = [start(stateDir, 'left', 8), start(stateDir, 'right', 8)];
    await Promise.all(runs.map(({ child }) => once(child, 'close')));
    const handles = runs.flatMap(({ lines }) => lines.filter((line) => line !== 'ready'));
    expect([handles.length, new Set(handles).size]).toEqual([16, 16]);
    const cluster = await aCluster({ stateDir });
    expect(nodeAt(cluster, 1).users()).toHaveLength(6 + 16);
    expect(officer(nodeAt(cluster, 0)).findAllKeys(5)).toHaveLength(16);
    await cluster.close();
  });

  test('survives a kill at any moment, and what the killed process held is free', async () => {
    const stateDir = folder();
    await (await aCluster({ stateDir })).close();
    for (const [round, delayMs] of [5, 23, 61].entries()) {
      const { child, lines } = start(stateDir, `round${round}`, 1000);
      await once(child.stdout ?? child, 'data');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill('SIGKILL');
      await once(child, 'close');
      const cluster = await aCluster({ stateDir });
      const known = officer(nodeAt(cluster, 0))
        .findAllKeys(5)
        .map(({ handle }) => String(handle));
      expect(known).toEqual(expect.arrayContaining(lines.filter((line) => line !== 'ready')));
      for (const divergence of cluster.syncCheck()) expect(divergence.what).toBe('users');
      expect(refusalOf(() => officer(nodeAt(cluster, 0)).changePassword('CO', 'officer1', PASSWORD))).toBe(
        'not refused',
      );
      await cluster.close();
    }
  });

  test('a quorum token of a process that was killed is gone', async () => {
    const stateDir = folder();
    const cluster = await aCluster({ stateDir });
    const session = officer(nodeAt(cluster, 0));
    session.setMValue(4, 2);
    session.requestToken(4);
    expect(nodeAt(cluster, 0).quorumTokens()).toHaveLength(1);
    const path = join(stateDir, 'cluster.json');
    const dead = readFileSync(path, 'utf8').replaceAll(`"pid":${process.pid}`, '"pid":4194304');
    writeFileSync(path, dead);
    expect(nodeAt(cluster, 0).quorumTokens()).toEqual([]);
  });

  test.each([
    ['damaged', '{"format":1,'],
    ['of another format', '{"format":2,"nodes":[]}'],
    ['something else', '[]'],
  ])('that is %s is refused', async (_case, text) => {
    const stateDir = folder();
    writeFileSync(join(stateDir, 'cluster.json'), text, { mode: 0o600 });
    await expect(aCluster({ stateDir })).rejects.toMatchObject({ code: 'simulator-state' });
  });

  test('that is gone, or of a single HSM, or writable by others, is refused', async () => {
    const stateDir = folder();
    const cluster = await aCluster({ stateDir });
    unlinkSync(join(stateDir, 'cluster.json'));
    expect(() => nodeAt(cluster, 0).users()).toThrow(expect.objectContaining({ code: 'simulator-state' }));
    const single = folder();
    await (await openSimulated(cloudhsm, { state: single })).close();
    await expect(aCluster({ stateDir: single })).rejects.toMatchObject({ code: 'simulator-state' });
    const open = folder();
    chmodSync(open, 0o777);
    await expect(aCluster({ stateDir: open })).rejects.toMatchObject({ code: 'state-unsafe' });
  });

  test('has 1 to 28 HSMs with ids of their own', async () => {
    const many = Array.from({ length: 29 }, (_, id) => ({ id, address: `10.0.0.${id}` }));
    await expect(aCluster({ nodes: [] })).rejects.toMatchObject({ name: 'cluster-size' });
    await expect(aCluster({ nodes: many })).rejects.toMatchObject({ name: 'cluster-size' });
    await expect(aCluster({ nodes: many.slice(0, 1).concat(many.slice(0, 1)) })).rejects.toMatchObject({
      name: 'cluster-size',
    });
    expect((await aCluster({ nodes: many.slice(1) })).nodes).toHaveLength(28);
  });
});

describe('the devices file', () => {
  test('makes a cluster of so many HSMs, which is found again without saying so', async () => {
    const state = folder();
    const device = await openSimulated(cloudhsm, { state, nodes: 2 });
    await device.perform({ action: 'generate-key', args: { type: 'aes', bits: 256, label: 'kept' } });
    const { serial } = await device.describe();
    await device.close();
    const again = await openSimulated(cloudhsm, { state });
    expect((await again.describe()).serial).toBe(serial);
    const found = await again.perform({ action: 'find-keys', args: { label: 'kept' } });
    expect(JSON.stringify(found.outputs)).toContain(Buffer.from('kept').toString('hex'));
    await again.close();
  });

  test('names HSMs, and a PIN that makes the crypto user', async () => {
    const nodes = [
      { id: 3, address: '10.0.2.14' },
      { id: 4, address: '10.0.1.4' },
    ];
    const settings = {
      name: 'cluster',
      adapter: 'cloudhsm',
      driver: 'simulated',
      values: { nodes, pin: { env: 'X' }, 'crypto-workers': 0 },
    };
    const device = await cloudhsm.open(settings, openContext('alice:password-1'));
    expect((await device.describe()).adapter).toBe('cloudhsm');
    await device.close();
  });

  test('says so when the HSMs are not a cluster', async () => {
    const twice = [
      { id: 3, address: 'a' },
      { id: 3, address: 'b' },
    ];
    await expect(openSimulated(cloudhsm, { nodes: twice })).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  test('of one HSM fails the availability rule, unless it is off', async () => {
    const strict = openSimulated(cloudhsm, { nodes: 1 });
    await expect(strict.then((device) => firstUse(device))).rejects.toMatchObject({ code: 'device-busy' });
    const device = await openSimulated(cloudhsm, { nodes: 1, 'key-availability-check': false });
    await expect(firstUse(device)).resolves.toMatchObject({ method: 'encrypt-ecb' });
    await device.close();
  });
});
