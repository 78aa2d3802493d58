import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aFolder, itemsOf, planned, theFakes } from '../../support/plan-making.ts';
import { ACTIONS, anExpression, anInput, aPlaybook, aStep, mainSteps, ofKey } from '../../support/plan-playbook.ts';

describe('steps that may not run', () => {
  test('a condition on the key is evaluated', async () => {
    const each = mainSteps().map((step) =>
      step.id === 'arrived' ? { ...step, when: ofKey((key) => key.label === 'b') } : step,
    );
    const { target } = await planned({
      playbook: aPlaybook({ each }),
      source: { keys: [{ label: 'a' }, { label: 'b' }] },
    });
    const asked = target.previewed.filter((call) => call.action === 'unwrap-key');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.args.like).toMatchObject({ device: 'source', record: { label: 'b' } });
  });

  test('a condition on an output is taken to hold', async () => {
    const when = anExpression([{ kind: 'step', step: 'wrapped', output: 'data' }], () => {
      throw new Error('not to be evaluated');
    });
    const each = mainSteps().map((step) => (step.id === 'arrived' ? { ...step, when } : step));
    const { target } = await planned({ playbook: aPlaybook({ each }), source: { keys: [{ label: 'a' }] } });
    expect(target.previewed.map((call) => call.action)).toContain('unwrap-key');
  });

  test('outputs are not yet there, inputs and keys are', async () => {
    const { target, source } = await planned({ source: { keys: [{ label: 'a' }] } });
    const unwrap = target.previewed.find((call) => call.action === 'unwrap-key');
    expect(unwrap?.args).toMatchObject({
      'wrapped-key': { kind: 'not-yet', type: 'artifact' },
      'unwrapping-key': { kind: 'not-yet', type: 'key' },
      like: { kind: 'key', device: 'source' },
    });
    expect(target.previewed.find((call) => call.action === 'generate-rsa-key-pair')?.args).toEqual({ bits: 2048 });
    expect(source.previewed.find((call) => call.action === 'wrap-key')?.args.mechanism).toBe('rsa-oaep-sha1');
  });

  test('a secret input is not known to a preview, nor in the plan', async () => {
    const playbook = aPlaybook({ inputs: { bits: { type: 'secret' } } });
    const { target, plan } = await planned({ playbook, inputs: { bits: 'hunter2' } });
    expect(target.previewed.find((call) => call.action === 'generate-rsa-key-pair')?.args.bits).toMatchObject({
      kind: 'not-yet',
    });
    expect(JSON.stringify(plan.head)).not.toContain('hunter2');
  });
});

describe('asking devices', () => {
  const keys = Array.from({ length: 600 }, (_, at) => ({ label: `k${String(at).padStart(4, '0')}` }));

  test('in batches of at most 256 items per step', async () => {
    const { source, target } = await planned({ source: { keys } });
    const sizes = (fake: typeof source, action: string) =>
      fake.calls.filter((call) => call.method === 'preview' && call.action === action).map((call) => call.count);
    expect(sizes(source, 'require-attribute')).toEqual([256, 256, 88]);
    expect(sizes(source, 'wrap-key')).toEqual([256, 256, 88]);
    expect(sizes(target, 'unwrap-key')).toEqual([256, 256, 88]);
    expect(source.calls.filter((call) => call.method === 'inventory')).toHaveLength(1);
  });

  test('nothing but inventories and previews', async () => {
    const { source, target } = await planned({ source: { keys: keys.slice(0, 3) } });
    expect(new Set([...source.calls, ...target.calls].map((call) => call.method))).toEqual(
      new Set(['inventory', 'preview']),
    );
  });

  test('a device that answers too few previews is a bug', async () => {
    const fakes = theFakes({ source: { keys: [{ label: 'a' }] } });
    const device = { ...fakes.target.bound.device, preview: async () => [] };
    const target = { ...fakes.target, bound: { ...fakes.target.bound, device } };
    await expect(planned({ fakes: { source: fakes.source, target } })).rejects.toThrow('0 answers to 1 previews');
  });

  test('tells of progress', async () => {
    const seen: number[] = [];
    await planned({ source: { keys, batch: 250 }, onProgress: (count) => seen.push(count) });
    expect(seen).toEqual([250, 500, 600]);
  });

  test('a role without a device is refused before anything is asked', async () => {
    const playbook = aPlaybook({ devices: { source: 'x', target: 'x', third: 'x' } });
    await expect(planned({ playbook })).rejects.toMatchObject({ code: 'device-unknown' });
  });
});

describe('the spool', () => {
  test('is private, may be read twice, and goes with dispose', async () => {
    const spoolDir = join(aFolder(), 'spool');
    const { plan, items } = await planned({ spoolDir, source: { keys: [{ label: 'a' }, { label: 'b' }] } });
    const [folder] = readdirSync(spoolDir);
    expect(statSync(join(spoolDir, String(folder))).mode & 0o777).toBe(0o700);
    expect(statSync(join(spoolDir, String(folder), 'items.jsonl')).mode & 0o777).toBe(0o600);
    expect(await itemsOf(plan)).toEqual(items);
    await plan.dispose();
    expect(readdirSync(spoolDir)).toEqual([]);
  });

  test('a folder that cannot be made is an error for operators', async () => {
    await expect(planned({ spoolDir: '/dev/null/spool' })).rejects.toMatchObject({ code: 'state-unwritable' });
  });

  test('handles are not kept', async () => {
    const { items } = await planned({ source: { keys: [{ label: 'a' }] } });
    expect(items[0]?.source).toMatchObject({ record: { handle: '' } });
  });
});

describe('playbooks without keys', () => {
  test('have no items', async () => {
    const { plan, items } = await planned({ playbook: aPlaybook({ over: null, each: [] }) });
    expect(items).toEqual([]);
    expect(plan.head.summary.total).toBe(0);
    expect(plan.head.estimateSeconds).toBe(0);
  });

  test('an input as literal reaches the head', async () => {
    const playbook = aPlaybook({
      prepare: [aStep('target', ACTIONS.generate, { id: 'g', with: { bits: anInput('bits') } })],
    });
    const { plan } = await planned({ playbook, inputs: { bits: 3072 } });
    expect(plan.head.inputs).toEqual({ bits: 3072 });
  });
});
