/**
 * A run of three keys, stopped before and after every write of its journal. Each stop is an image of the disk at that moment, as a power
 * cut leaves it: home folder and both devices. New devices over the image, whose look-ups come in another order, take the run up again.
 */
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning, OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { expectMigrated } from '../support/engine-end-state.ts';
import { EVERY_WRITE, journalOf, resume, run } from '../support/engine-harness.ts';
import { keysOn, newSite, type Site } from '../support/engine-site.ts';

interface Image {
  readonly site: Site;
  readonly point: Parameters<OnWrite>[0];
  readonly seq: number;
}

const nameOf = ({ point, seq }: Image): string => `${point} of ${seq}`;

/** Photographs the site at each write, or only at the nth from here. */
function camera(site: Site, nth?: number): { readonly images: Image[]; readonly tuning: JournalTuning } {
  const images: Image[] = [];
  let writes = 0;
  const onWrite: OnWrite = (point, seq) => {
    writes += 1;
    if (nth === undefined || nth === writes) images.push({ site: site.copy(), point, seq });
  };
  return { images, tuning: { ...EVERY_WRITE, onWrite } };
}

/** Resumes, or finds that the run was over when it was stopped. */
async function takeUp(site: Site, id: string, options: Parameters<typeof resume>[2] = {}): Promise<RunResult | null> {
  try {
    return await resume(site, id, options);
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'run-finished') return null;
    throw error;
  }
}

async function expectOver(site: Site, id: string): Promise<void> {
  const { entries } = await journalOf(site, id);
  expect(entries.flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.to] : [])).at(-1)).toBe('done');
}

describe('a run stopped at any write of its journal', () => {
  it('finishes with every key once, also when it is stopped again while it is taken up', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const first = camera(site);
    const whole = await run(site, { tuning: first.tuning });
    await expectMigrated(site, before, whole);
    // A before and an after for each entry but the two that the journal is made with.
    const { entries } = await journalOf(site, whole.run);
    expect(first.images).toHaveLength((entries.length - 2) * 2);

    let twice = 0;
    for (const [index, image] of first.images.entries()) {
      const nth = 1 + ((index * 7919) % (first.images.length - index + 4));
      const second = camera(image.site, nth);
      const result = await takeUp(image.site, whole.run, { tuning: second.tuning }).catch((error: Error) => {
        throw new Error(`stopped ${nameOf(image)}: ${error.message}`, { cause: error });
      });
      if (result === null) await expectOver(image.site, whole.run);
      else
        await expectMigrated(image.site, before, result).catch((error: Error) => {
          throw new Error(`stopped ${nameOf(image)}: ${error.message}`, { cause: error });
        });
      for (const again of second.images) {
        twice += 1;
        const last = await takeUp(again.site, whole.run);
        if (last === null) await expectOver(again.site, whole.run);
        else
          await expectMigrated(again.site, before, last).catch((error: Error) => {
            throw new Error(`stopped ${nameOf(image)} and again ${nameOf(again)}: ${error.message}`, { cause: error });
          });
      }
    }
    expect(twice).toBeGreaterThan(first.images.length / 2);
  }, 120_000);
});
