/**
 * Material that comes to KMS in other ways than the migrations, each run stopped before and after every write of its journal: renewed into
 * keys that lost it, and in clear through this computer. New processes take the run up again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import { ADAPTERS } from '../support/adapters.ts';
import { changed, journalOf } from '../support/engine-harness.ts';
import { keysOn, type SeenKey } from '../support/engine-site.ts';
import { camera, named, nameOf, takeUp } from '../support/kms-route-images.ts';
import { runKmsRoute } from '../support/kms-route-runs.ts';
import { type KmsSite, kmsPlaybook, newKmsSite } from '../support/kms-route-site.ts';
import { expectInKms, keysInKms } from '../support/kms-route-witness.ts';
import { aKmsService } from '../support/kms-service-client.ts';

const playbookOf = (file: string, text: string): Playbook => parsePlaybook({ file, text, adapters: ADAPTERS });

const REIMPORT = playbookOf(
  'kms-reimport.yaml',
  readFileSync(join(import.meta.dirname, '../../playbooks/kms-reimport.yaml'), 'utf8'),
);

const IN_CLEAR = playbookOf(
  'in-clear.yaml',
  `keyferry: 1
playbook: in-clear
title: AES keys through this computer
devices: { cluster: cloudhsm, account: kms }
keys: { from: cluster }
each:
  - id: made
    do: account.create-key
    with: { like: "\${{ key }}" }
  - id: parameters
    do: account.get-import-parameters
    with: { key: "\${{ steps.made.key }}", like: "\${{ key }}", mechanism: rsa-oaep-sha256 }
  - id: exported
    do: cluster.export-key
    exposes: plaintext
    with: { key: "\${{ key }}" }
  - id: imported
    do: account.import-clear-material
    exposes: plaintext
    with:
      key: "\${{ steps.made.key }}"
      like: "\${{ key }}"
      material: "\${{ steps.exported.material }}"
      parameters: "\${{ steps.parameters.parameters }}"
      public-key: "\${{ steps.parameters.public_key }}"
  - do: account.check-envelope-use
    with: { key: "\${{ steps.imported.key }}" }
  - do: account.point-alias
    with: { alias: "\${{ 'alias/keyferry/' + key.label }}", key: "\${{ steps.imported.key }}" }
`,
);

/** Asked past keyferry: what an interrupted check may have left. */
async function grantsIn(site: KmsSite): Promise<number> {
  const keys = await keysInKms(site.state('account'));
  const kms = await aKmsService({ stateDir: site.state('account'), clock: Date.now });
  try {
    let count = 0;
    for (const { id } of keys) count += (await kms.call('ListGrants', { KeyId: id })).Grants.length;
    return count;
  } finally {
    await kms.service.close();
  }
}

async function deleteMaterials(site: KmsSite): Promise<void> {
  const keys = await keysInKms(site.state('account'));
  const kms = await aKmsService({ stateDir: site.state('account'), clock: Date.now });
  for (const { id } of keys) await kms.call('DeleteImportedKeyMaterial', { KeyId: id });
  await kms.service.close();
}

async function expectDone(site: KmsSite, before: readonly SeenKey[], run: string): Promise<void> {
  await expectInKms(site, before);
  expect(await grantsIn(site)).toBe(0);
  const { entries, open } = await journalOf(site, run);
  expect(open).toBe(0);
  expect(entries.flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.to] : [])).at(-1)).toBe('done');
  const ends = entries.flatMap(({ entry }) => (entry.kind === 'item' ? [entry.verification] : []));
  expect(ends).toHaveLength(before.length);
  // It works; nothing claims that it was compared.
  for (const proof of ends) expect(proof).toMatchObject({ method: 'functional', strength: 'none' });
}

/** Every image of the run is taken up. */
async function stoppedAtEveryWrite(site: KmsSite, playbook: Playbook): Promise<void> {
  const before = keysOn(site, site.source);
  const { images, tuning } = camera(site);
  const whole = await runKmsRoute(site, { tuning, playbook });
  expect(whole).toMatchObject({
    state: 'done',
    leftovers: [],
    counts: { total: before.length, migrated: before.length },
  });
  await expectDone(site, before, whole.run);
  expect(images.length).toBeGreaterThan(20);
  for (const image of images) {
    await (async () => {
      const result = await takeUp(image.site, whole.run);
      if (result !== null) expect(result).toMatchObject({ state: 'done', leftovers: [], counts: { failed: 0 } });
      await expectDone(image.site, before, whole.run);
    })().catch(named(nameOf(image)));
    image.site.remove();
  }
}

describe('stopped at any write of its journal', () => {
  it('kms-reimport gives each key its own material again', async () => {
    const site = await newKmsSite('cloudhsm-to-kms', { aes: 2 });
    const quick = kmsPlaybook('cloudhsm-to-kms', (text) => changed(text, 'default: re-import', 'default: functional'));
    await runKmsRoute(site, { playbook: quick });
    await deleteMaterials(site);
    await stoppedAtEveryWrite(site, REIMPORT);
  }, 120_000);

  it('a key in clear arrives once, and no grant stays', async () => {
    const site = await newKmsSite('cloudhsm-to-kms', { aes: 2 });
    await stoppedAtEveryWrite(site, IN_CLEAR);
  }, 120_000);
});
