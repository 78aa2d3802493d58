/** The least capabilities that docs/yubihsm.md names for an authentication key: with them each playbook runs, and without any one of them it does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { staticKeysFromPassword } from '../../src/adapters/yubihsm/session/static-keys.ts';
import { openSimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM } from '../../src/adapters/yubihsm/wire/algorithms.ts';
import { capabilityMask, isCapabilityName } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { labelOf } from '../../src/adapters/yubihsm/wire/label.ts';
import { writeObjectHeader } from '../../src/adapters/yubihsm/wire/object-header.ts';
import { ByteWriter } from '../../src/adapters/yubihsm/wire/writer.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { planOf, runPlan } from '../support/engine-harness.ts';
import { DeviceClient } from '../support/yubihsm-device-client.ts';
import { newYubiSite, openYubiRoute, type YubiSite, yubiPlaybook } from '../support/yubihsm-route-site.ts';

/** The row of the table; `those` stands for the row before. */
function documented(playbook: string): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/yubihsm.md'), 'utf8');
  const rows = [...text.matchAll(/^\| ([a-z-]+) \| ([a-z, -]+) \|$/gm)].map(([, name = '', list = '']) => ({
    name,
    list,
  }));
  const at = rows.findIndex(({ name }) => name === playbook);
  const names = rows[at]?.list.split(', ') ?? [];
  const before = rows[at - 1]?.name ?? '';
  return names.flatMap((name) => (name === 'those' ? documented(before) : [name]));
}

const DELEGATED = [
  ...[
    'exportable-under-wrap',
    'export-wrapped',
    'sign-ecdsa',
    'encrypt-ecb',
    'decrypt-ecb',
    'encrypt-cbc',
    'decrypt-cbc',
  ],
].filter(isCapabilityName);

/** Authentication key 2 with these capabilities; a key of each kind that moves. */
async function siteWith(names: readonly string[]): Promise<YubiSite> {
  const site = await newYubiSite(async (token) => {
    const common = { label: 'payments-1', extractable: true };
    await token.perform({ action: 'generate-ec-key-pair', args: { ...common, curve: 'P-256' } });
    await token.perform({ action: 'generate-key', args: { ...common, type: 'aes', bits: 256 } });
  });
  const device = await openSimulatedYubiHsm({ stateDir: site.state('token') });
  const client = await DeviceClient.open(device);
  const { enc, mac } = await staticKeysFromPassword('password');
  const writer = new ByteWriter();
  writeObjectHeader(writer, {
    id: 2,
    label: labelOf('keyferry'),
    domains: 0xffff,
    capabilities: capabilityMask(names.filter(isCapabilityName)),
    algorithm: ALGORITHM['aes128-yubico-authentication'],
  });
  await client.call('put-authentication-key', writer.u64(capabilityMask(DELEGATED)).bytes(enc).bytes(mac).toBytes());
  await device.close();
  return site;
}

/** null: done; else why not. */
async function failureOf(site: YubiSite, name: string): Promise<string | null> {
  const playbook = yubiPlaybook(name);
  const opened = await openYubiRoute(site, { 'authentication-key': '0002' });
  try {
    const plan = await planOf(site, opened, playbook);
    try {
      const { state, counts, leftovers, error } = await runPlan(site, plan, { playbook, opened });
      // What the plan blocks is not moved.
      const isMoved = counts.migrated === (playbook.over === null ? 0 : 1);
      const isClean = state === 'done' && isMoved && leftovers.length === 0;
      return isClean ? null : (error?.message ?? JSON.stringify({ state, counts, leftovers }));
    } finally {
      await plan.dispose();
    }
  } catch (error) {
    if (error instanceof KeyferryError) return error.message;
    throw error;
  } finally {
    await opened.close();
  }
}

describe.each(['yubihsm-to-kms', 'yubihsm-to-kms-symmetric', 'external-cmk'])('%s', (name) => {
  it('runs with the capabilities that are documented', async () => {
    const names = documented(name);
    expect(names.filter((each) => !isCapabilityName(each))).toEqual([]);
    expect(names.length).toBeGreaterThan(3);
    expect(await failureOf(await siteWith(names), name)).toBe(null);
  });

  it('does not run without any one of them', async () => {
    const names = documented(name);
    for (const lacking of names) {
      const failure = await failureOf(await siteWith(names.filter((each) => each !== lacking)), name);
      expect([lacking, failure]).toEqual([lacking, expect.any(String)]);
    }
  });
});
