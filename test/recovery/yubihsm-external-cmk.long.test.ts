/**
 * external-cmk, stopped before and after every write of its journal. However often it is stopped, there is one KMS key and one escrowed key
 * with the same material; and what was escrowed is as good as the original, for KMS itself takes it for the same.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
import { ALGORITHM } from '../../src/adapters/yubihsm/wire/algorithms.ts';
import { capabilityNames } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf } from '../support/engine-harness.ts';
import { keysInKms } from '../support/kms-route-witness.ts';
import {
  camera,
  type Image,
  labelOf,
  newYubiSite,
  objectsOn,
  openYubiRoute,
  resumeYubiRoute,
  runYubiRoute,
  type YubiSite,
  yubiPlaybook,
  yubiPlaybookOf,
} from '../support/yubihsm-route-site.ts';

const PLAYBOOK = yubiPlaybook('external-cmk');

async function expectMade(site: YubiSite): Promise<void> {
  const [escrow, ...others] = await objectsOn(site, 'token');
  expect(others).toEqual([]);
  if (escrow === undefined) throw new Error('nothing is escrowed');
  expect([labelOf(escrow), escrow.algorithm, escrow.material.length]).toEqual(['aws-cmk', ALGORITHM.aes256, 32]);
  expect(capabilityNames(escrow.capabilities)).toContain('exportable-under-wrap');
  const print = createHash('sha256').update(escrow.material).digest('hex');
  expect(await keysInKms(site.state('account'))).toMatchObject([
    { state: 'Enabled', spec: 'SYMMETRIC_DEFAULT', label: 'aws-cmk', aliases: ['alias/aws-cmk'], print },
  ]);
}

const DONE = { state: 'done', exitCode: 0, error: null, leftovers: [] };

async function expectEnd(site: YubiSite, id: string, tuning?: JournalTuning): Promise<void> {
  let result: RunResult | null = null;
  try {
    result = await resumeYubiRoute(site, id, tuning === undefined ? {} : { tuning });
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code !== 'run-finished') throw error;
  }
  if (result !== null) expect(result).toMatchObject(DONE);
  await expectMade(site);
  expect((await journalOf(site, id)).open).toBe(0);
}

const named = (image: Image, again?: Image) => (error: Error) => {
  const where = [image, again].flatMap((each) => (each === undefined ? [] : [`${each.point} of ${each.seq}`]));
  throw new Error(`stopped ${where.join(' and again ')}: ${error.message}`, { cause: error });
};

it('makes one KMS key and one escrowed key with the same material, wherever it is stopped', async () => {
  const site = await newYubiSite(async () => undefined);
  const first = camera(site);
  const whole = await runYubiRoute(site, PLAYBOOK, { tuning: first.tuning });
  expect(whole).toMatchObject(DONE);
  await expectMade(site);
  const { entries } = await journalOf(site, whole.run);
  expect(first.images).toHaveLength((entries.length - 2) * 2);

  let twice = 0;
  for (const [index, image] of first.images.entries()) {
    const nth = 1 + ((index * 7919) % (first.images.length - index + 4));
    const second = camera(image.site, index % 3 === 0 ? nth : Number.POSITIVE_INFINITY);
    await expectEnd(image.site, whole.run, second.tuning).catch(named(image));
    for (const again of second.images) {
      twice += 1;
      await expectEnd(again.site, whole.run).catch(named(image, again));
      again.site.remove();
    }
    image.site.remove();
  }
  expect(twice).toBeGreaterThan(first.images.length / 6);
}, 300_000);

/** The playbook that the documentation gives for this. */
function reimport(): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs/yubihsm.md'), 'utf8');
  const [, playbook] = /```yaml\n(keyferry: 1\nplaybook: reimport-escrow\n[\s\S]*?)```/.exec(text) ?? [];
  if (playbook === undefined) throw new Error('docs/yubihsm.md has no playbook reimport-escrow');
  return playbook;
}

async function deleteMaterial(site: YubiSite): Promise<string> {
  const opened = await openYubiRoute(site);
  const { device } = opened.bound.get('account') ?? {};
  if (device === undefined) throw new Error('no account');
  const { outputs } = await device.perform({ action: 'find-key', args: { alias: 'alias/aws-cmk' } });
  const before = await device.perform({ action: 'describe-key', args: { key: outputs.key } });
  await device.perform({ action: 'delete-imported-material', args: { key: outputs.key } });
  await opened.close();
  return String(before.outputs.key_material_id);
}

it('gives the material back after KMS has lost it, and KMS takes it for the same', async () => {
  const site = await newYubiSite(async () => undefined);
  expect(await runYubiRoute(site, PLAYBOOK)).toMatchObject(DONE);
  const materialId = await deleteMaterial(site);
  expect(materialId).toMatch(/^[0-9a-f]{64}$/);
  expect(await keysInKms(site.state('account'))).toMatchObject([{ state: 'PendingImport' }]);
  const result = await runYubiRoute(site, yubiPlaybookOf('reimport-escrow.yaml', reimport()));
  expect(result).toMatchObject({ ...DONE, counts: { total: 1, migrated: 1 } });
  await expectMade(site);
  const { entries } = await journalOf(site, result.run);
  const ids = entries.flatMap(({ entry }) =>
    entry.kind === 'outcome' && entry.outputs?.key_material_id !== undefined ? [entry.outputs.key_material_id] : [],
  );
  expect(ids).toEqual([materialId]);
});

it('is refused by KMS when the escrowed key is another one', async () => {
  const site = await newYubiSite(async () => undefined);
  expect(await runYubiRoute(site, PLAYBOOK)).toMatchObject(DONE);
  await deleteMaterial(site);
  const opened = await openYubiRoute(site);
  const { device } = opened.bound.get('token') ?? {};
  if (device === undefined) throw new Error('no token');
  await device.perform({ action: 'delete-key', args: { key: await escrowed(device) } });
  await device.perform({
    action: 'generate-key',
    args: { type: 'aes', bits: 256, label: 'aws-cmk', extractable: true },
  });
  await opened.close();
  const result = await runYubiRoute(site, yubiPlaybookOf('reimport-escrow.yaml', reimport()));
  expect(result.counts).toMatchObject({ migrated: 0, failed: 1 });
  expect(await keysInKms(site.state('account'))).toMatchObject([{ state: 'PendingImport', print: 'none' }]);
});

async function escrowed(device: Device): Promise<unknown> {
  const { outputs } = await device.perform({ action: 'find-keys', args: { label: 'aws-cmk' } });
  const [escrow] = outputs.keys as readonly unknown[];
  return escrow;
}
