import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Curve } from '../../../src/keys/key-spec.ts';
import { computeDigest, ItemsHash, itemLine } from '../../../src/plan/digest.ts';
import type { PlanHead } from '../../../src/plan/model.ts';
import type { FakeKey } from '../../support/fake-device.ts';
import { type PlanSetup, planned, theFakes } from '../../support/plan-making.ts';
import { ACTIONS, aPlaybook, aStep } from '../../support/plan-playbook.ts';

const keys: FakeKey[] = [
  { label: 'b', id: '02' },
  { label: 'a', id: '01' },
  { label: 'a', id: '01' },
  { label: 'a', id: '03', material: 'x' },
  { label: 'a', id: '03', material: 'y' },
  { label: 'ä', rawLabel: 'ff00' },
  { label: 'c', id: '02', class: 'private', type: 'rsa', bits: 2048 },
];
const digest = async (setup: PlanSetup = {}) => (await planned({ source: { keys }, ...setup })).plan.head.digest;

describe('the digest', () => {
  test('is the same whatever order the device enumerates in', async () => {
    const expected = await digest({ target: { capabilities: { uniqueIds: true } } });
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(keys, { minLength: keys.length }),
        fc.integer({ min: 1, max: 8 }),
        async (shuffled, batch) => {
          const fakes = theFakes({ source: { keys: shuffled, batch }, target: { capabilities: { uniqueIds: true } } });
          expect((await planned({ fakes })).plan.head.digest).toBe(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('does not depend on time, version or the estimate', async () => {
    const capabilities = { rates: {} };
    expect(await digest({ now: () => new Date(0), version: '9.9.9', target: { capabilities } })).toBe(await digest());
  });

  test('changes with all that decides what a run does', async () => {
    const others: Record<string, PlanSetup> = {
      salt: { salt: new Uint8Array(16).fill(8) },
      playbook: { playbook: aPlaybook({ document: { keyferry: 1, playbook: 'other' } }) },
      title: { playbook: aPlaybook({ title: 'other' }) },
      plaintext: { playbook: aPlaybook({ exposesPlaintext: true }) },
      steps: { playbook: aPlaybook({ finally: [aStep('target', ACTIONS.generate, { id: 'x' })] }) },
      inputs: { inputs: { bits: 4096 } },
      approvers: { approvers: { officer1: 'ab' } },
      serial: { target: { serial: 'other' } },
      trust: { target: { trust: 'hardware' } },
      adapter: { target: { adapter: 'other' } },
      driver: { target: { driver: 'pkcs11' } },
      fingerprint: { fingerprint: false },
      key: { source: { keys: keys.slice(1) } },
      attribute: { source: { keys: [...keys.slice(1), { label: 'b', id: '02', attributes: { wrap: true } }] } },
      block: { target: { findings: { 'generate-rsa-key-pair': () => [{ level: 'block', reason: 'no' }] } } },
    };
    const seen = new Map([[await digest(), 'the plan itself']]);
    for (const [name, setup] of Object.entries(others)) {
      const value = await digest(setup);
      expect(seen.get(value), `${name} does not change the digest`).toBeUndefined();
      seen.set(value, name);
    }
  });

  test('can be computed anew from the head', async () => {
    const { plan, items } = await planned({ source: { keys } });
    expect(computeDigest(plan.head)).toBe(plan.head.digest);
    const read = JSON.parse(JSON.stringify(plan.head)) as PlanHead;
    expect(computeDigest(read)).toBe(plan.head.digest);
    expect(computeDigest({ ...read, blocks: ['x'] })).not.toBe(plan.head.digest);
    const hash = new ItemsHash();
    for (const item of items) hash.add(itemLine(item));
    expect(hash.value).toBe(plan.head.itemsHash);
  });
});

describe('an item line', () => {
  test('is the same for any order of fields and any handle', async () => {
    const { items } = await planned({ source: { keys: [{ label: 'a' }] } });
    const [item] = items;
    if (item?.source.kind !== 'key') throw new Error('no key');
    const shuffled = {
      source: {
        record: Object.fromEntries(Object.entries({ ...item.source.record, handle: '42' }).reverse()) as never,
        kind: 'key' as const,
      },
      ...Object.fromEntries(
        Object.entries(item)
          .reverse()
          .filter(([name]) => name !== 'source'),
      ),
    } as never;
    expect(itemLine(shuffled)).toBe(itemLine(item));
    expect(itemLine({ ...item, action: 'skip' })).not.toBe(itemLine(item));
  });

  test('holds the curve of an EC key, and nothing of one for other keys', async () => {
    const { items } = await planned({ source: { keys: [{ label: 'a' }] } });
    const [item] = items;
    if (item?.source.kind !== 'key') throw new Error('no key');
    const { record } = item.source;
    const on = (curve: Curve) => itemLine({ ...item, source: { kind: 'key', record: { ...record, curve } } });
    expect(JSON.parse(on('P-256'))).toMatchObject({ source: { record: { curve: 'P-256' } } });
    expect(on('P-256')).not.toBe(on('secp256k1'));
    expect(itemLine(item)).not.toContain('curve');
  });
});
