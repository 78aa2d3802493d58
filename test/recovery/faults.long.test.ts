/** Devices that answer late, not at all, or go away: at every call that creates or deletes something, once each. */
import { describe, expect, it } from 'vitest';
import { CKR } from '../../src/adapters/pkcs11/constants.ts';
import { type Cryptoki, CryptokiError } from '../../src/adapters/pkcs11/cryptoki.ts';
import type { FaultKind } from '../../src/adapters/pkcs11/simulator/faults.ts';
import type { Playbook, Step } from '../../src/playbook/model.ts';
import { expectMigrated } from '../support/engine-end-state.ts';
import { journalOf, mainPlaybook, resume } from '../support/engine-harness.ts';
import type { ModuleOptions } from '../support/engine-modules.ts';
import { type Modules, runOn } from '../support/engine-runs.ts';
import type { Role } from '../support/engine-site.ts';

/** The main playbook with deadlines and delays short enough to be met by a test. */
function impatient(): Playbook {
  const playbook = mainPlaybook();
  const hurry = (step: Step): Step => ({
    ...step,
    timeoutMs: 60,
    retry: { attempts: step.retry.attempts, backoff: 'fixed', delayMs: 5 },
  });
  return {
    ...playbook,
    prepare: playbook.prepare.map(hurry),
    canary: playbook.canary === null ? null : hurry(playbook.canary),
    each: playbook.each.map(hurry),
    finally: playbook.finally.map(hurry),
  };
}

interface FaultCase {
  readonly role: Role;
  readonly call: Extract<keyof Cryptoki, `C_${string}`>;
  /** How often a run of three keys makes the call. */
  readonly times: number;
  /** Of these, the first so many are refused for their template, which does nothing; the device is asked again in other words. */
  readonly refused: number;
}

const CREATING: readonly FaultCase[] = [
  { role: 'cluster', call: 'C_GenerateKeyPair', times: 2, refused: 1 },
  { role: 'classic', call: 'C_CreateObject', times: 1, refused: 0 },
  { role: 'classic', call: 'C_GenerateKey', times: 1, refused: 0 },
  { role: 'cluster', call: 'C_UnwrapKey', times: 4, refused: 0 },
];
const DELETING: readonly FaultCase[] = [
  { role: 'classic', call: 'C_DestroyObject', times: 2, refused: 0 },
  { role: 'cluster', call: 'C_DestroyObject', times: 3, refused: 0 },
];

const BLOCKING: ReadonlySet<string> = new Set(['C_CreateObject', 'C_DestroyObject']);

const withFault = ({ role, call }: FaultCase, kind: FaultKind, nth: number): Modules => ({
  [role]: { faults: [{ call, kind, nth, ms: 150 }] },
});

describe.each([...CREATING, ...DELETING])('$call on the $role', (fault) => {
  it.each(['lost-reply', 'late-reply', 'busy'] as const)(
    '%s: every key once, nothing left',
    async (kind) => {
      let nth = 1;
      for (; ; nth += 1) {
        const { site, before, result, devices } = await runOn(withFault(fault, kind, nth), { playbook: impatient() });
        await expectMigrated(site, before, result);
        const made = devices.calls(fault.role, fault.call);
        if (kind !== 'busy') expect(made, `${kind} at ${nth}: not called again`).toBe(fault.times);
        if (made < nth) break;
        if (nth <= fault.refused && kind !== 'busy') continue;
        const { entries } = await journalOf(site, result.run);
        // A call without a promise holds the engine's thread, so its answer is there before any timeout can be.
        if (kind === 'late-reply' && BLOCKING.has(fault.call)) continue;
        const unknown = entries.filter(({ entry }) => entry.kind === 'outcome' && entry.result === 'unknown');
        expect(unknown.length, `${kind} at ${nth} shows in the journal`).toBeGreaterThan(0);
      }
      expect(nth).toBe(fault.times + 1);
    },
    120_000,
  );

  it('gone: the run pauses, and sound devices finish it', async () => {
    for (let nth = 1; nth <= fault.times; nth += 1) {
      const { site, before, result } = await runOn(withFault(fault, 'gone', nth), { playbook: impatient() });
      expect(result).toMatchObject({ state: 'paused', exitCode: 7, error: { code: 'device-lost' } });
      expect((await journalOf(site, result.run)).open).toBeGreaterThan(0);
      await expectMigrated(site, before, await resume(site, result.run));
    }
  }, 120_000);
});

describe('a storm', () => {
  /** Refuses calls that do nothing with this probability. */
  const busy = (seed: number, share: number): ModuleOptions => {
    let state = seed;
    return {
      before: (call) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        if (call.startsWith('C_Close') || call === 'C_GetMechanismInfo' || state / 2147483648 > share) return;
        throw new CryptokiError(call, CKR.FUNCTION_FAILED);
      },
    };
  };

  it.each([1, 2, 3, 4, 5, 6])(
    'of busy answers on both devices is waited for (seed %i)',
    async (seed) => {
      const { site, before, result } = await runOn(
        { classic: busy(seed, 0.015), cluster: busy(seed + 100, 0.015) },
        { playbook: impatient() },
      );
      await expectMigrated(site, before, result);
    },
    120_000,
  );

  it('of slow answers is sat out', async () => {
    const faults = [{ call: '*', kind: 'latency', probability: 0.3, ms: 15 }] as const;
    const { site, before, result } = await runOn(
      { classic: { faults }, cluster: { faults } },
      { playbook: impatient() },
    );
    await expectMigrated(site, before, result);
  }, 120_000);
});
