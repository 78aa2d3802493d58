/**
 * Migrations into KMS, stopped before and after every write of their journal. Each stop is an image of the disk at that moment, as a power
 * cut leaves it: home folder, HSM and KMS. New processes take the run up again: one KMS key for each key, proven, nothing left anywhere.
 */
import { describe, expect, it } from 'vitest';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import { journalOf } from '../support/engine-harness.ts';
import { keysOn, type SeenKey } from '../support/engine-site.ts';
import { camera, named, nameOf, takeUp } from '../support/kms-route-images.ts';
import { runKmsRoute } from '../support/kms-route-runs.ts';
import { type KmsSite, newKmsSite } from '../support/kms-route-site.ts';
import { expectInKms, expectKmsMigrated } from '../support/kms-route-witness.ts';

async function expectEnd(site: KmsSite, before: readonly SeenKey[], id: string, tuning?: JournalTuning): Promise<void> {
  const result = await takeUp(site, id, tuning);
  if (result !== null) return await expectKmsMigrated(site, before, result);
  const { entries } = await journalOf(site, id);
  expect(entries.flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.to] : [])).at(-1)).toBe('done');
  await expectInKms(site, before);
}

describe.each([
  ['classic-to-kms', { aes: 2 }],
  ['cloudhsm-to-kms', { aes: 1, pairs: ['rsa', 'P-256'] }],
] as const)('%s stopped at any write of its journal', (route, keys) => {
  it('leaves one proven KMS key for each key, also when it is stopped again while it is taken up', async () => {
    const site = await newKmsSite(route, keys);
    const before = keysOn(site, site.source);
    const first = camera(site);
    const whole = await runKmsRoute(site, { tuning: first.tuning });
    await expectKmsMigrated(site, before, whole);
    // A before and an after for each entry but the two that the journal is made with.
    const { entries } = await journalOf(site, whole.run);
    expect(first.images).toHaveLength((entries.length - 2) * 2);

    let twice = 0;
    for (const [index, image] of first.images.entries()) {
      const nth = 1 + ((index * 7919) % (first.images.length - index + 4));
      // The next image is of the same write, before or after: one of the two is stopped again.
      const second = camera(image.site, index % 2 === 0 ? nth : Number.POSITIVE_INFINITY);
      await expectEnd(image.site, before, whole.run, second.tuning).catch(named(nameOf(image)));
      for (const again of second.images) {
        twice += 1;
        await expectEnd(again.site, before, whole.run).catch(named(`${nameOf(image)} and again ${nameOf(again)}`));
        again.site.remove();
      }
      image.site.remove();
    }
    expect(twice).toBeGreaterThan(first.images.length / 4);
  }, 300_000);
});
