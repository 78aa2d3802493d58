/**
 * Keys of a YubiHSM on their way into KMS when the device or KMS fails in the middle: what moves is moved once and proven, what does not is
 * taken back, and the device has afterwards what it had before: no wrap key of the run, whatever went wrong.
 */
import { describe, expect, it } from 'vitest';
import type { KmsFault } from '../../src/adapters/kms/simulator/faults.ts';
import type { YubiHsmFault } from '../../src/adapters/yubihsm/simulator/faults.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf, planOf, runPlan } from '../support/engine-harness.ts';
import { openedDevices } from '../support/engine-site.ts';
import { openAccount } from '../support/kms-route-site.ts';
import { keysInKms } from '../support/kms-route-witness.ts';
import {
  labelOf,
  newYubiSite,
  objectsOn,
  openYubiHsm,
  openYubiRoute,
  resumeYubiRoute,
  type YubiSite,
  yubiPlaybook,
} from '../support/yubihsm-route-site.ts';

const ROUTES = ['yubihsm-to-kms', 'yubihsm-to-kms-symmetric'] as const;
type Route = (typeof ROUTES)[number];

const MAKING = {
  'yubihsm-to-kms': { action: 'generate-ec-key-pair', args: { purpose: 'signing', curve: 'P-256' } },
  'yubihsm-to-kms-symmetric': { action: 'generate-key', args: { type: 'aes', bits: 256 } },
};

type Before = Awaited<ReturnType<typeof objectsOn>>;

interface Scene {
  readonly site: YubiSite;
  readonly before: Before;
}

async function aScene(route: Route): Promise<Scene> {
  const { action, args } = MAKING[route];
  const site = await newYubiSite(async (token) => {
    for (const label of ['payments-1', 'payments-2']) {
      await token.perform({ action, args: { ...args, label, extractable: true } });
    }
  });
  return { site, before: await objectsOn(site, 'token') };
}

interface Faults {
  readonly token?: readonly YubiHsmFault[];
  readonly account?: readonly KmsFault[];
}

/** Planned with sound devices, run with these. */
async function runFaulty({ site }: Scene, route: Route, { token = [], account = [] }: Faults): Promise<RunResult> {
  const playbook = yubiPlaybook(route);
  const planners = await openYubiRoute(site);
  const plan = await planOf(site, planners, playbook);
  await planners.close();
  const bound = [
    await openYubiHsm(site, 'token', { faults: token }),
    await openAccount(site, { faults: { faults: account } }),
  ];
  const opened = openedDevices(new Map(bound.map((each) => [each.role, each])));
  try {
    return await runPlan(site, plan, { playbook, opened });
  } finally {
    await opened.close();
    await plan.dispose();
  }
}

async function expectMoved({ site, before }: Scene, result: RunResult): Promise<void> {
  expect(result).toMatchObject({
    state: 'done',
    exitCode: 0,
    error: null,
    leftovers: [],
    counts: { total: 2, migrated: 2, failed: 0, pending: 0, needsAttention: 0 },
  });
  expect(await objectsOn(site, 'token')).toEqual(before);
  const found = await keysInKms(site.state('account'));
  expect(found.map(({ label, state, aliases }) => [label, state, ...aliases]).sort()).toEqual(
    before.map((object) => [labelOf(object), 'Enabled', `alias/keyferry/${labelOf(object)}`]).sort(),
  );
  const { open, entries } = await journalOf(site, result.run);
  expect(open).toBe(0);
  const proofs = entries.flatMap(({ entry }) => (entry.kind === 'item' ? [entry.verification] : []));
  expect(proofs).toEqual(before.map(() => expect.objectContaining({ result: 'same', strength: 'strong' })));
}

const COMMANDS = ['put-public-wrap-key', 'get-rsa-wrapped-key', 'delete-object'];
const PLACES = COMMANDS.flatMap((command) => [1, 2].map((nth) => [command, nth] as const));

describe.each(ROUTES)('%s', (route) => {
  describe.each(['lose-reply', 'drop-before', 'corrupt-reply', 'outer-error'] as const)('%s', (kind) => {
    it.each(PLACES)('at %s %i ends with every key moved and nothing on the device', async (command, nth) => {
      const scene = await aScene(route);
      let result = await runFaulty(scene, route, { token: [{ command, kind, nth }] });
      if (result.state === 'paused') {
        expect(result).toMatchObject({ exitCode: 7, error: { code: 'device-lost' } });
        result = await resumeYubiRoute(scene.site, result.run);
      }
      await expectMoved(scene, result);
    });
  });

  it.each<[string, KmsFault]>([
    ['who may not import', { operation: 'ImportKeyMaterial', kind: 'access-denied' }],
    ['who may not fetch import parameters', { operation: 'GetParametersForImport', kind: 'access-denied' }],
    ['who may not point the alias', { operation: 'CreateAlias', kind: 'access-denied' }],
  ])('a caller %s: the KMS keys are taken back, and the device is as it was', async (_who, fault) => {
    const scene = await aScene(route);
    const result = await runFaulty(scene, route, { account: [fault] });
    expect(result.counts.migrated).toBe(0);
    expect(result.leftovers).toEqual([]);
    const left = await keysInKms(scene.site.state('account'));
    expect(left.length).toBeGreaterThan(0);
    expect(left.filter(({ state, aliases }) => state !== 'PendingDeletion' || aliases.length > 0)).toEqual([]);
    expect(await objectsOn(scene.site, 'token')).toEqual(scene.before);
  });
});
