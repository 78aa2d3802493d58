/**
 * The device's own word in a run's journal: its audit log, every entry once and each following the one before, and the attestation of a key
 * before it moves. Checked from the journal alone, as an auditor would, with nothing but SHA-256 and X.509.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { openSimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf } from '../support/engine-harness.ts';
import { DeviceClient } from '../support/yubihsm-device-client.ts';
import {
  newYubiSite,
  objectsOn,
  publicPrintOf,
  runYubiRoute,
  type YubiSite,
  yubiPlaybook,
} from '../support/yubihsm-route-site.ts';

const RECORDED = {
  '73': 'put-public-wrap-key',
  '74': 'get-rsa-wrapped-key',
  '64': 'sign-attestation-certificate',
  '58': 'delete-object',
};

interface LogLine {
  readonly number: number;
  readonly command: string;
  readonly target: string;
  readonly second: string;
  readonly result: string;
  readonly raw: string;
  readonly digest: string;
}

/** A device with some keys that records what a move does. */
async function recordingSite(keys: number): Promise<YubiSite> {
  const site = await newYubiSite(async (token) => {
    for (let number = 1; number <= keys; number += 1) {
      const args = { purpose: 'signing', label: `payments-${number}`, curve: 'P-256', extractable: true };
      await token.perform({ action: 'generate-ec-key-pair', args });
    }
  });
  const device = await openSimulatedYubiHsm({ stateDir: site.state('token') });
  const client = await DeviceClient.open(device);
  const pairs = Buffer.from(
    Object.keys(RECORDED)
      .map((code) => `${code}01`)
      .join(''),
    'hex',
  );
  await client.call('set-option', Uint8Array.of(3, 0, pairs.length, ...pairs));
  await device.close();
  return site;
}

async function outputsOf(
  site: YubiSite,
  { run }: RunResult,
  wanted: string,
): Promise<Readonly<Record<string, unknown>>[]> {
  const { entries } = await journalOf(site, run);
  return entries.flatMap(({ entry }) =>
    entry.kind === 'outcome' && entry.outputs !== null && wanted in entry.outputs ? [entry.outputs] : [],
  );
}

const moved = (count: number) => ({
  state: 'done',
  leftovers: [],
  counts: { total: count, migrated: count, failed: 0 },
});

it('has every entry of the device’s log of the run, in one chain', async () => {
  const keys = 24;
  const site = await recordingSite(keys);
  const objects = await objectsOn(site, 'token');
  const result = await runYubiRoute(site, yubiPlaybook('yubihsm-to-kms'));
  expect(result).toMatchObject(moved(keys));
  const reads = await outputsOf(site, result, 'last_digest');
  expect(reads).toHaveLength(1 + keys + 1);
  expect(reads.map(({ missing }) => missing)).toEqual(reads.map(() => 0));

  const lines = reads.flatMap(({ entries }) => entries as readonly LogLine[]);
  // More than the device's log holds, and still each number once.
  expect(lines.length).toBeGreaterThan(62);
  for (const [at, line] of lines.entries()) {
    const previous = lines[at - 1];
    if (previous === undefined) continue;
    expect(line.number).toBe(previous.number + 1);
    const digest = createHash('sha256')
      .update(Buffer.from(line.raw + previous.digest, 'hex'))
      .digest('hex');
    expect(line.digest).toBe(digest.slice(0, 32));
    expect(Number.parseInt(line.raw.slice(0, 4), 16)).toBe(line.number);
  }
  for (const { id } of objects) {
    const key = `0x${id.toString(16).padStart(4, '0')}`;
    const about = lines.filter(({ target, second }) => target === key || second === key);
    expect(about.map(({ command, result: said }) => [command, said])).toEqual([
      ['sign-attestation-certificate', 'ok'],
      ['get-rsa-wrapped-key', 'ok'],
    ]);
  }
  const count = (command: string): number => lines.filter((line) => line.command === command).length;
  expect([count('put-public-wrap-key'), count('delete-object')]).toEqual([keys, keys]);
}, 120_000);

it('has the device’s certificate of each key, for the key that KMS got', async () => {
  const site = await recordingSite(2);
  const objects = await objectsOn(site, 'token');
  const result = await runYubiRoute(site, yubiPlaybook('yubihsm-to-kms'));
  expect(result).toMatchObject(moved(2));
  const attested = await outputsOf(site, result, 'certificate');
  const prints = attested.map(({ certificate, issuer_certificate: issuer }) => {
    const own = new X509Certificate(String(certificate));
    expect(own.verify(new X509Certificate(String(issuer)).publicKey)).toBe(true);
    return createHash('sha256')
      .update(own.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  });
  expect(prints.sort()).toEqual(objects.map(publicPrintOf).sort());
  expect(attested.map(({ is_local: isLocal, origin }) => [isLocal, origin])).toEqual([
    [true, 'generated'],
    [true, 'generated'],
  ]);
}, 60_000);

it('says in the plan that the device records nothing, and in the journal that nothing was lost', async () => {
  const site = await newYubiSite(async (token) => {
    await token.perform({
      action: 'generate-ec-key-pair',
      args: { label: 'payments-1', curve: 'P-256', extractable: true },
    });
  });
  const result = await runYubiRoute(site, yubiPlaybook('yubihsm-to-kms'));
  expect(result).toMatchObject(moved(1));
  const { plan } = await journalOf(site, result.run);
  expect(plan.warnings.join('\n')).toMatch(/does not record anything that makes, moves/);
  const reads = await outputsOf(site, result, 'last_digest');
  expect(reads.map(({ count, missing }) => [Number(count) > 0, missing])).toEqual([
    [true, 0],
    [false, 0],
    [false, 0],
  ]);
});
