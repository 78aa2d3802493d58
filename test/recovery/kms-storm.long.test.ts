/**
 * Migrations into a KMS that throttles, shows yesterday's state and loses replies, by a keyferry that is killed: one KMS key for each key
 * all the same, none orphaned. Moments and faults come from fixed seeds: a failing sequence can be run again.
 */
import { describe, expect, it } from 'vitest';
import type { KmsFault } from '../../src/adapters/kms/simulator/faults.ts';
import { type CallClock, systemClock } from '../../src/workflows/call-clock.ts';
import { changed, journalOf } from '../support/engine-harness.ts';
import { keysOn } from '../support/engine-site.ts';
import { runKillingKms } from '../support/kms-route-killing.ts';
import { resumeKmsRoute, runKmsRoute } from '../support/kms-route-runs.ts';
import { kmsPlaybook, newKmsSite } from '../support/kms-route-site.ts';
import { expectInKms, expectKmsMigrated, keysInKms } from '../support/kms-route-witness.ts';

const CHANGING = ['CreateKey', 'ImportKeyMaterial', 'CreateAlias', 'UpdateAlias', 'ScheduleKeyDeletion'] as const;

/** Reads are waited for by the SDK itself, which takes its time. */
const STORM: readonly KmsFault[] = [
  { operation: '*', kind: 'throttle', every: 97 },
  { operation: '*', kind: 'throttle', probability: 0.005 },
  { operation: '*', kind: 'internal-error', probability: 0.005 },
  { operation: 'GetParametersForImport', kind: 'throttle', probability: 0.2 },
  ...CHANGING.flatMap((operation): KmsFault[] => [
    { operation, kind: 'throttle', probability: 0.1 },
    { operation, kind: 'lose-reply', probability: 0.15 },
    { operation, kind: 'drop-before', probability: 0.05 },
    { operation, kind: 'stale', probability: 0.5, reads: 3, isFlipping: true },
  ]),
];

/** Waits for what is busy, but not for so long. */
const hurried: CallClock = { ...systemClock(), sleep: (ms) => systemClock().sleep(ms / 20) };

/** The same, for the command line. */
const hurry = (text: string): string =>
  changed(text, /^(?: {2}- | {4})do: account\..*$/gm, '$&\n    retry: { attempts: 12, backoff: fixed, delay: 40ms }');

describe('proofs whose replies are lost', () => {
  it('are asked for again and again, each time with other parameters', async () => {
    const site = await newKmsSite('classic-to-kms', { aes: 1 });
    const before = keysOn(site, site.source);
    // 1: the import, 2: random bytes, 3: the proof, 4: the same again, with a token that 3 has used up, 5: with another …
    const faults = [3, 5, 7, 9, 11].map(
      (nth): KmsFault => ({ operation: 'ImportKeyMaterial', kind: 'lose-reply', nth }),
    );
    const result = await runKmsRoute(site, { account: { faults: { faults } }, clock: hurried });
    await expectKmsMigrated(site, before, result);
    const { entries } = await journalOf(site, result.run);
    const unknown = entries.filter(({ entry }) => entry.kind === 'outcome' && entry.result === 'unknown');
    expect(unknown).toHaveLength(5);
  });
});

describe.each([
  ['classic-to-kms', { aes: 12 }, { aes: 200 }],
  [
    'cloudhsm-to-kms',
    { aes: 6, pairs: ['rsa', 'P-256', 'P-384'] },
    { aes: 196, pairs: ['rsa', 'P-256', 'P-384', 'P-521'] },
  ],
] as const)('%s in a storm', (route, few, many) => {
  it.each([1, 2])(
    'moves every key once (seed %i)',
    async (seed) => {
      const site = await newKmsSite(route, few);
      const before = keysOn(site, site.source);
      const account = { faults: { seed, faults: STORM }, settleReads: 5 };
      const result = await runKmsRoute(site, { account, clock: hurried });
      await expectKmsMigrated(site, before, result);
      const { entries } = await journalOf(site, result.run);
      const unknown = entries.filter(({ entry }) => entry.kind === 'outcome' && entry.result === 'unknown');
      expect(unknown.length).toBeGreaterThan(0);
    },
    60_000,
  );

  it('moves 200 keys once, killed five times', async () => {
    const site = await newKmsSite(route, many);
    const before = keysOn(site, site.source);
    const { kills, run, status } = await runKillingKms(site, {
      kills: 5,
      spanMs: 2_000,
      seed: 20261122,
      faults: STORM,
      edit: hurry,
    });
    expect(kills).toBe(5);
    expect(status).toMatchObject({
      state: 'done',
      summary: { total: 200, migrated: 200, failed: 0, pending: 0, needsAttention: 0 },
      leftovers: [],
    });
    await expectInKms(site, before);
    expect((await journalOf(site, run)).open).toBe(0);
  }, 300_000);
});

describe('keys that fail', () => {
  it('leave a KMS key that is scheduled for deletion and has no alias, and are moved by a retry', async () => {
    const site = await newKmsSite('classic-to-kms', { aes: 12 });
    const before = keysOn(site, site.source);
    const playbook = kmsPlaybook(site.route, (text) => changed(text, /^ {2}stop-when:.*\n/m, ''));
    const denied: KmsFault = { operation: 'ImportKeyMaterial', kind: 'access-denied', every: 7 };
    const account = { faults: { seed: 5, faults: [denied, ...STORM] }, settleReads: 5 };
    const result = await runKmsRoute(site, { account, clock: hurried, playbook });
    expect(result).toMatchObject({ state: 'done', exitCode: 1, leftovers: [] });
    const { failed, migrated } = result.counts;
    expect([failed > 0, migrated > 0, failed + migrated]).toEqual([true, true, 12]);

    const found = await keysInKms(site.state('account'));
    const doomed = found.filter(({ state }) => state === 'PendingDeletion');
    expect(found.filter(({ state }) => state === 'Enabled')).toHaveLength(migrated);
    expect(found).toHaveLength(12);
    expect(doomed.flatMap(({ aliases }) => aliases)).toEqual([]);

    const retried = await resumeKmsRoute(site, result.run, { mode: 'retry' });
    expect(retried).toMatchObject({ state: 'done', exitCode: 0, leftovers: [], counts: { migrated: 12, failed: 0 } });
    const after = await keysInKms(site.state('account'));
    expect(after.filter(({ state }) => state === 'Enabled')).toHaveLength(12);
    expect(after.filter(({ state }) => state === 'PendingDeletion')).toEqual(doomed);
    expect(after).toHaveLength(12 + doomed.length);
    expect(keysOn(site, site.source)).toHaveLength(before.length);
  }, 60_000);
});
