/**
 * Keys of a YubiHSM on their way into KMS, stopped before and after every write of the journal. Each stop is an image of the disk at that
 * moment, as a power cut leaves it; new processes take the run up again: one KMS key with the same public half, and the device as it was.
 */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
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
  publicPrintOf,
  resumeYubiRoute,
  runYubiRoute,
  type YubiSite,
  yubiPlaybook,
} from '../support/yubihsm-route-site.ts';

const PLAYBOOK = yubiPlaybook('yubihsm-to-kms');

async function makeKey(token: Device, kind: string): Promise<void> {
  const common = { purpose: 'signing', label: `payments-${kind}`, extractable: true };
  const [, bits] = /^rsa-(\d+)$/.exec(kind) ?? [];
  const call =
    bits === undefined
      ? { action: 'generate-ec-key-pair', args: { ...common, curve: kind } }
      : { action: 'generate-rsa-key-pair', args: { ...common, 'modulus-bits': Number(bits) } };
  expect((await token.perform(call)).violations).toEqual([]);
}

type Before = Awaited<ReturnType<typeof objectsOn>>;

/** KMS has each key once, enabled, under its alias and with the source's public half; the device has what it had, and nothing else. */
async function expectMoved(site: YubiSite, before: Before): Promise<void> {
  const wanted = before.map((object) => ({
    state: 'Enabled',
    label: labelOf(object),
    aliases: [`alias/keyferry/${labelOf(object)}`],
    print: publicPrintOf(object),
  }));
  const found = await keysInKms(site.state('account'));
  expect(found.map(({ state, label, aliases, print }) => ({ state, label, aliases, print }))).toEqual(wanted);
  expect(await objectsOn(site, 'token')).toEqual(before);
}

const KEPT = { result: 'same', method: 'public-key', strength: 'strong' };

async function expectProven(site: YubiSite, before: Before, result: RunResult): Promise<void> {
  expect(result).toMatchObject({
    state: 'done',
    exitCode: 0,
    error: null,
    leftovers: [],
    counts: { total: before.length, migrated: before.length, pending: 0, failed: 0, needsAttention: 0 },
  });
  await expectMoved(site, before);
  const { open, entries } = await journalOf(site, result.run);
  expect(open).toBe(0);
  const proofs = entries.flatMap(({ entry }) => (entry.kind === 'item' ? [entry.verification] : []));
  expect(proofs).toEqual(before.map(() => expect.objectContaining(KEPT)));
}

async function expectEnd(site: YubiSite, before: Before, id: string, tuning?: JournalTuning): Promise<void> {
  let result: RunResult;
  try {
    result = await resumeYubiRoute(site, id, tuning === undefined ? {} : { tuning });
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code !== 'run-finished') throw error;
    return await expectMoved(site, before);
  }
  await expectProven(site, before, result);
}

const named = (image: Image, again?: Image) => (error: Error) => {
  const where = [image, again].flatMap((each) => (each === undefined ? [] : [`${each.point} of ${each.seq}`]));
  throw new Error(`stopped ${where.join(' and again ')}: ${error.message}`, { cause: error });
};

describe.each(['P-256', 'P-384', 'rsa-2048', 'rsa-3072', 'rsa-4096'])(
  'a key %s stopped at any write of the journal',
  (kind) => {
    it('is in KMS once, with the same public half, and nothing is left on the device', async () => {
      const site = await newYubiSite((token) => makeKey(token, kind));
      const before = await objectsOn(site, 'token');
      const first = camera(site);
      const whole = await runYubiRoute(site, PLAYBOOK, { tuning: first.tuning });
      await expectProven(site, before, whole);
      const { entries } = await journalOf(site, whole.run);
      // A before and an after for each entry but the two that the journal is made with.
      expect(first.images).toHaveLength((entries.length - 2) * 2);

      let twice = 0;
      for (const [index, image] of first.images.entries()) {
        const nth = 1 + ((index * 7919) % (first.images.length - index + 4));
        const second = camera(image.site, index % 4 === 0 ? nth : Number.POSITIVE_INFINITY);
        await expectEnd(image.site, before, whole.run, second.tuning).catch(named(image));
        for (const again of second.images) {
          twice += 1;
          await expectEnd(again.site, before, whole.run).catch(named(image, again));
          again.site.remove();
        }
        image.site.remove();
      }
      expect(twice).toBeGreaterThan(first.images.length / 8);
    }, 300_000);
  },
);
