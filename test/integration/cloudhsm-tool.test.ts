/** Both real drivers of a cluster at once: a PKCS#11 module in its host, and a program that answers as cloudhsm-cli does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Device, OpenContext } from '../../src/adapters/adapter.ts';
import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import { Secret } from '../../src/keys/secret.ts';
import { makeKey, openContext } from '../support/pkcs11-devices.ts';
import { makeSoftHsmToken, useSoftHsm } from '../support/softhsm.ts';

const PINS: Readonly<Record<string, string>> = { 'admin-pin': 'officer1:password-1' };

/** The key is known to the test only once it is made, so the program reads it from a file beside it. */
const PROGRAM = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const file = join(__dirname, 'cluster.json');
const cluster = JSON.parse(readFileSync(file, 'utf8'));
const args = process.argv.slice(2).join(' ');
const answer = (error_code, data) => console.log(JSON.stringify({ error_code, data }));
const user = (username, role) => ({ username, role, locked: 'false', mfa: [], quorum: [], 'cluster-coverage': 'full' });
if (args === 'user list') {
  answer(0, { users: [user('officer1', 'admin'), ...cluster.users.map((name) => user(name, 'crypto-user'))] });
} else if (args.startsWith('key list')) {
  answer(0, { matched_keys: cluster.keys, total_key_count: cluster.keys.length, returned_key_count: cluster.keys.length });
} else if (args.startsWith('key share')) {
  cluster.keys[0]['key-info']['shared-users'].push({ username: 'user5', 'key-coverage': 'full' });
  writeFileSync(file, JSON.stringify(cluster));
  answer(0, { message: 'Key shared successfully' });
} else if (args.startsWith('user create')) {
  answer(1, 'Quorum approval is required for this operation');
} else answer(1, 'unknown command');
`;

interface Site {
  readonly device: Device;
  know(keys: readonly unknown[]): void;
}

async function aSite(more: Readonly<Record<string, unknown>> = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-tool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const know = (keys: readonly unknown[]) =>
    writeFileSync(join(folder, 'cluster.json'), JSON.stringify({ users: ['user4', 'user5'], keys }));
  know([]);
  const tool = join(folder, 'cloudhsm-cli');
  writeFileSync(tool, PROGRAM, { mode: 0o700 });
  const token = makeSoftHsmToken({ label: 'cluster', pin: 'user4:password-1' });
  useSoftHsm(token);
  const values = {
    module: token.module,
    token: token.token,
    pin: { env: 'PIN' },
    'admin-pin': { env: 'ADMIN_PIN' },
    capabilities: { 'settle-reads': 1 },
    tool,
    ...more,
  };
  const context: OpenContext = {
    ...openContext(),
    secret: async (setting) => new Secret(PINS[setting] ?? token.pin),
  };
  const device = await cloudhsm.open({ name: 'cluster', adapter: 'cloudhsm', driver: 'pkcs11', values }, context);
  onTestFinished(() => device.close());
  return { device, know };
}

const listed = ({ locator }: KeyRef): unknown => ({
  'key-reference': '0x0000000000040001',
  'key-info': {
    'key-owners': [{ username: 'user4', 'key-coverage': 'full' }],
    'shared-users': [],
    'key-quorum-values': { 'manage-key-quorum-value': 0, 'use-key-quorum-value': 0 },
    'cluster-coverage': 'full',
  },
  attributes: {
    'key-type': 'aes',
    class: 'secret-key',
    id: `0x${locator.id}`,
    label: Buffer.from(locator.label, 'hex').toString('utf8'),
  },
});

describe('a cluster behind its module and its tool', () => {
  it('makes a key through the one and shares it through the other', async () => {
    const { device, know } = await aSite();
    const key = await makeKey(device, { label: 'shared' });
    know([listed(key)]);
    const share = { action: 'share-key', args: { key, username: 'user5' } };
    expect(await device.reconcile(share, null)).toEqual({ state: 'absent' });
    await device.perform(share);
    expect(await device.reconcile(share, null)).toMatchObject({ state: 'done' });
    expect((await device.perform({ action: 'key-info', args: { key } })).outputs).toMatchObject({
      reference: '0x0000000000040001',
      owner: 'user4',
      shared_with: ['user5'],
    });
    expect((await device.perform({ action: 'sync-check', args: {} })).outputs).toMatchObject({ in_sync: true });
    await device.perform({ action: 'delete-key', args: { key } });
  });

  it('shows the tool’s own refusal, and that nothing was done', async () => {
    const { device } = await aSite();
    const args = { username: 'alice', role: 'crypto-user', password: new Secret('correct-horse') };
    const { expectation } = await device.expect({ action: 'create-user', args }, null);
    await expect(device.perform({ action: 'create-user', args, expectation })).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
      native: { name: 'Quorum approval is required for this operation' },
    });
  });

  it('has no repair, and no administration without the tool', async () => {
    const { device } = await aSite();
    expect((await device.preview('sync-repair', [{}], null))[0]).toMatchObject([{ level: 'block' }]);
    const { device: bare } = await aSite({ tool: '/nonexistent/cloudhsm-cli' });
    const key = await makeKey(bare);
    for (const action of ['list-users', 'share-key', 'set-attribute']) {
      const args = { key, username: 'user5', name: 'wrap', value: false };
      expect((await bare.preview(action, [args], null))[0]).toMatchObject([{ level: 'block' }]);
      await expect(bare.perform({ action, args })).rejects.toMatchObject({ code: 'capability-missing' });
    }
  });
});
