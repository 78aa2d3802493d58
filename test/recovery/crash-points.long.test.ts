/**
 * A run of three keys, stopped before and after every write of its journal. Each stop is an image of the disk at that moment, as a power
 * cut leaves it: home folder and both devices. New devices over the image, whose look-ups come in another order, take the run up again.
 */
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning, OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { expectMigrated, expectMoved } from '../support/engine-end-state.ts';
import { EVERY_WRITE, journalOf, resume, run } from '../support/engine-harness.ts';
import { runOn } from '../support/engine-runs.ts';
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
      // The next image is of the same write, before or after: one of the two is stopped again.
      const second = camera(image.site, index % 2 === 0 ? nth : Number.POSITIVE_INFINITY);
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
    expect(twice).toBeGreaterThan(first.images.length / 4);
  }, 300_000);
});

describe('a run stopped and then cancelled', () => {
  it('keeps what it moved, proven, and leaves nothing else, from whatever write it was stopped at', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const { images, tuning } = camera(site);
    const whole = await run(site, { tuning });
    let cancelled = 0;
    for (const image of images.filter((_, index) => index % 2 === 0)) {
      const result = await takeUp(image.site, whole.run, { mode: 'cancel' });
      if (result === null) continue;
      const { counts, state } = result;
      expect(result, nameOf(image)).toMatchObject({ exitCode: 0, leftovers: [], error: null });
      expect(counts.migrated + counts.pending, nameOf(image)).toBe(3);
      // Whose end had begun is done; there was nothing left to cancel.
      expect(state, nameOf(image)).toBe(counts.pending === 0 && state === 'done' ? 'done' : 'cancelled');
      cancelled += state === 'cancelled' ? 1 : 0;
      const { entries, open } = await journalOf(image.site, whole.run);
      expect(open, nameOf(image)).toBe(0);
      const moved = new Set(
        entries.flatMap(({ entry }) => (entry.kind === 'item' && entry.state === 'migrated' ? [entry.item] : [])),
      );
      expect(moved.size).toBe(counts.migrated);
      const arrived = new Set(keysOn(image.site, 'cluster').map(({ label }) => label));
      expect(arrived.size, nameOf(image)).toBe(counts.migrated);
      expectMoved(
        image.site,
        before,
        before.filter(({ label }) => arrived.has(label)),
      );
    }
    expect(cancelled).toBeGreaterThan(20);
  }, 300_000);
});

describe('a run that is refused and stopped while it cleans up', () => {
  it('ends as refused, with its reason, and nothing is left', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const { images, tuning } = camera(site);
    const defects = { cluster: { defects: ['unwrapped-extractable'] } };
    const whole = await run(site, { tuning, devices: defects });
    expect(whole).toMatchObject({ state: 'failed', error: { code: 'canary-failed' } });
    for (const image of images.filter((_, index) => index % 3 === 0)) {
      const result = await takeUp(image.site, whole.run, { devices: defects });
      if (result === null) continue;
      expect(result, nameOf(image)).toMatchObject({
        state: 'failed',
        exitCode: 1,
        error: { code: 'canary-failed' },
        leftovers: [],
        counts: { pending: 3 },
      });
      expectMoved(image.site, before, []);
    }
  }, 300_000);
});

describe('a journal that cannot be written any more', () => {
  it.each(['before-commit', 'after-commit'] as const)(
    'at any write (%s) stops the run: no device is changed without an intent, and a resume finishes',
    async (at) => {
      for (let nth = 2; ; nth += 6) {
        const site = await newSite({ count: 3 });
        const before = keysOn(site, 'classic');
        const calls: string[] = [];
        const watching = (call: string): void => {
          if (isFull && CHANGING.has(call)) calls.push(call);
        };
        let isFull = false;
        let writes = 0;
        const onWrite: OnWrite = (point) => {
          if (point !== at) return;
          writes += 1;
          if (writes < nth) return;
          isFull = true;
          throw new KeyferryError('disk-full', 'the disk is full');
        };
        const { result, devices } = await runOn(
          { classic: { before: watching }, cluster: { before: watching } },
          { site, tuning: { ...EVERY_WRITE, onWrite } },
        );
        if (!isFull) {
          await expectMigrated(site, before, result);
          expect(nth).toBeGreaterThan(30);
          return;
        }
        expect(result, `write ${nth}`).toMatchObject({ exitCode: 8, error: { code: 'disk-full' } });
        // Only what had its intent already may still have been on its way: at most one call of each of the three keys.
        expect(calls.length, `write ${nth}: ${calls.join()}`).toBeLessThanOrEqual(3);
        const { entries } = await journalOf(site, result.run);
        const intended = entries.filter(({ entry }) => entry.kind === 'intent' && entry.action === 'unwrap-key').length;
        expect(devices.calls('cluster', 'C_UnwrapKey'), `write ${nth}`).toBeLessThanOrEqual(intended);
        const resumed = await takeUp(site, result.run);
        if (resumed === null) await expectOver(site, result.run);
        else await expectMigrated(site, before, resumed);
      }
    },
    300_000,
  );
});

const CHANGING: ReadonlySet<string> = new Set([
  'C_CreateObject',
  'C_DestroyObject',
  'C_GenerateKey',
  'C_GenerateKeyPair',
  'C_UnwrapKey',
]);
