/**
 * The plan's estimate of a migration into KMS, against a run of as many keys under AWS's default quotas. The run waits on a clock that
 * passes at once where nothing happens, so hours take seconds.
 */
import { expect, it } from 'vitest';
import { DEFAULT_QUOTAS } from '../../src/adapters/kms/quotas.ts';
import { changed, planOf, runPlan } from '../support/engine-harness.ts';
import { keysOn } from '../support/engine-site.ts';
import { type KmsSite, kmsPlaybook, newKmsSite, openKmsRoute } from '../support/kms-route-site.ts';
import { expectInKms } from '../support/kms-route-witness.ts';
import { virtualClock } from '../support/virtual-clock.ts';

interface Measured {
  readonly estimate: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

async function measure(site: KmsSite, edit?: (text: string) => string): Promise<Measured> {
  const playbook = kmsPlaybook(site.route, edit);
  // From now on: whoever looks at the machine's clock sees tokens that are good for longer, not for less.
  const clock = virtualClock(Date.now());
  const devices = await openKmsRoute(site, { rates: DEFAULT_QUOTAS, service: { clock: clock.now } });
  const plan = await planOf(site, devices, playbook);
  try {
    const opened = { ...devices, bound: clock.watch(devices.bound) };
    const start = clock.now();
    const result = await runPlan(site, plan, { playbook, opened, clock });
    expect(result).toMatchObject({ state: 'done', exitCode: 0, leftovers: [] });
    const { estimateSeconds: estimate, warnings } = plan.head;
    return { estimate, warnings, seconds: (clock.now() - start) / 1000 };
  } finally {
    clock.stop();
    await devices.close();
    await plan.dispose();
  }
}

const withoutProof = (text: string): string => changed(text, 'default: re-import', 'default: functional');

it('of 1,000 keys is right within a tenth, and says what it is bound by', async () => {
  const site = await newKmsSite('classic-to-kms', { aes: 1000 });
  const before = keysOn(site, site.source);
  const { estimate, seconds, warnings } = await measure(site, withoutProof);
  // GetParametersForImport: one in four seconds.
  expect(estimate).toBeGreaterThanOrEqual(4000);
  expect(Math.abs(seconds - estimate) / estimate).toBeLessThan(0.1);
  expect(warnings.join('\n')).toMatch(/1,000 keys: at least 67 minutes, bound by GetParametersForImport/);
  await expectInKms(site, before);
}, 120_000);

it('counts what the proof by another import takes', async () => {
  const site = await newKmsSite('classic-to-kms', { aes: 60 });
  const { estimate, seconds, warnings } = await measure(site);
  expect(estimate).toBeGreaterThanOrEqual(60 * 3 * 4);
  expect(Math.abs(seconds - estimate) / estimate).toBeLessThan(0.1);
  expect(warnings.join('\n')).toMatch(/bound by GetParametersForImport/);
}, 60_000);
