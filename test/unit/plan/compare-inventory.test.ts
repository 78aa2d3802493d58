import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { compareInventory } from '../../../src/plan/compare-inventory.ts';
import type { FakeKey } from '../../support/fake-device.ts';
import { aFolder, type PlanSetup, planned } from '../../support/plan-making.ts';
import { aPlaybook, literal, ofKey, PLACE } from '../../support/plan-playbook.ts';

const keys: FakeKey[] = [
  { label: 'a', id: '01' },
  { label: 'b', id: '02' },
  { label: 'c', id: '03' },
];

async function since(now: readonly FakeKey[], setup: PlanSetup = {}) {
  const playbook = setup.playbook ?? aPlaybook();
  const made = await planned({ source: { keys }, ...setup, playbook });
  made.source.keys = now;
  const spoolDir = aFolder();
  const result = await compareInventory(made.plan, made.devices, { playbook, spoolDir });
  expect(readdirSync(spoolDir)).toEqual([]);
  const stale = Object.fromEntries([...result.stale].map(([index, reason]) => [made.items[index]?.label, reason]));
  return { stale, appeared: result.appeared, made };
}

describe('what became of the source since the plan', () => {
  test('nothing, in any order', async () => {
    const { stale, appeared, made } = await since([...keys].reverse());
    expect({ stale, appeared }).toEqual({ stale: {}, appeared: [] });
    expect(new Set([...made.source.calls, ...made.target.calls].map((call) => call.method))).toEqual(
      new Set(['inventory', 'preview']),
    );
  });

  test('a key that vanished', async () => {
    expect(
      await since([
        { label: 'a', id: '01' },
        { label: 'c', id: '03' },
      ]),
    ).toMatchObject({
      stale: { b: 'it is not on the device any more' },
      appeared: [],
    });
  });

  test('all of them', async () => {
    expect(Object.keys((await since([])).stale)).toEqual(['a', 'b', 'c']);
  });

  test('a key whose attributes, length or KCV changed', async () => {
    const now = [
      { label: 'a', id: '01', attributes: { extractable: false, wrap: true } },
      { label: 'b', id: '02', bits: 128 },
      { label: 'c', id: '03' },
    ];
    const { stale } = await since(now);
    expect(stale).toEqual({
      a: 'extractable was true and is false; wrap was absent and is true; exportable was true and is false',
      b: 'its length was 256 and is 128',
    });
  });

  test('another key under the same name', async () => {
    const { stale, appeared } = await since([{ label: 'a', id: '01', material: 'swapped' }, ...keys.slice(1)]);
    expect(stale).toEqual({ a: 'another key has its class, type, id and label now' });
    expect(appeared).toEqual(['a']);
  });

  test('without fingerprints, a changed key under the same name cannot be told, a changed length can', async () => {
    const { stale } = await since([{ label: 'a', id: '01', material: 'x', bits: 128 }, ...keys.slice(1)], {
      fingerprint: false,
    });
    expect(stale).toEqual({ a: 'its length was 256 and is 128' });
  });

  test('without fingerprints, a namesake that appeared', async () => {
    const { stale } = await since([...keys, { label: 'a', id: '01', material: 'x' }], { fingerprint: false });
    expect(stale.a).toContain('nothing tells the two apart');
  });

  test('keys that appeared, if the playbook would choose them', async () => {
    const over = { kind: 'keys' as const, from: 'source', where: ofKey((key) => key.label !== 'z'), place: PLACE };
    const now = [{ label: '0' }, ...keys, { label: 'bb' }, { label: 'd' }, { label: 'z' }];
    const { stale, appeared } = await since(now, { playbook: aPlaybook({ over }) });
    expect(stale).toEqual({});
    expect(appeared).toEqual(['0', 'bb', 'd']);
  });

  test('a planned key that "where" would not choose any more has changed, not vanished', async () => {
    const over = { kind: 'keys' as const, from: 'source', where: ofKey((key) => key.extractable), place: PLACE };
    const now = [{ label: 'a', id: '01', attributes: { extractable: false } }, ...keys.slice(1)];
    const { stale, appeared } = await since(now, { playbook: aPlaybook({ over }) });
    expect(stale.a).toContain('extractable was true and is false');
    expect(appeared).toEqual([]);
  });

  test('keys that would not move anyway are not stale', async () => {
    const findings = { 'require-attribute': () => [{ level: 'skip' as const, reason: 'no' }] };
    expect((await since([], { source: { keys, findings } })).stale).toEqual({});
  });

  test('copies of one key are matched one to one', async () => {
    const twins = [{ label: 'a' }, { label: 'a' }];
    expect((await since(twins, { source: { keys: twins } })).stale).toEqual({});
    expect((await since([...twins, { label: 'a' }], { source: { keys: twins } })).appeared).toEqual(['a']);
  });

  test('a device that fails fails the comparison', async () => {
    const { plan, devices, source } = await planned({ source: { keys } });
    const device = {
      ...source.bound.device,
      // biome-ignore lint/correctness/useYield: it fails before the first batch
      async *inventory() {
        throw new KeyferryError('device-lost', 'gone');
      },
    };
    const broken = new Map([...devices, ['source', { ...source.bound, device }]]);
    await expect(compareInventory(plan, broken, { playbook: aPlaybook() })).rejects.toMatchObject({
      code: 'device-lost',
    });
    await expect(compareInventory(plan, new Map(), { playbook: aPlaybook() })).rejects.toMatchObject({
      code: 'device-unknown',
    });
  });

  test('a playbook without items has nothing to compare', async () => {
    const playbook = aPlaybook({ over: null, each: [] });
    const { plan, devices } = await planned({ playbook });
    expect(await compareInventory(plan, devices, { playbook })).toEqual({ stale: new Map(), appeared: [] });
  });
});

test('files that grew, went and came', async () => {
  const folder = aFolder();
  for (const name of ['a.bin', 'b.bin', 'c.bin']) writeFileSync(join(folder, name), 'x');
  const over = { kind: 'files' as const, files: literal(join(folder, '*.bin')), place: PLACE };
  const playbook = aPlaybook({ over, each: [] });
  const { plan, devices, items } = await planned({ playbook });
  expect(items.map((item) => item.label)).toEqual(['a.bin', 'b.bin', 'c.bin']);
  writeFileSync(join(folder, 'a.bin'), 'longer');
  rmSync(join(folder, 'b.bin'));
  writeFileSync(join(folder, 'd.bin'), 'x');
  const { stale, appeared } = await compareInventory(plan, devices, { playbook });
  expect([...stale]).toEqual([
    [0, 'the file had 1 bytes and has 6'],
    [1, 'the file is not there any more'],
  ]);
  expect(appeared).toEqual([join(folder, 'd.bin')]);
});
