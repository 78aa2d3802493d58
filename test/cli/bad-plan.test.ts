/** Plan files that were altered, cut off or made for something else, and plans that block: exit code 3, nothing changed on a device. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { lastJson } from '../support/built-cli.ts';
import { errorOf, expectRefused } from '../support/canary-refusals.ts';
import { keyferry, migrationBenches, runsOf } from '../support/migration-benches.ts';
import type { SimulatedMigration } from '../support/simulated-migration.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const aBench = migrationBenches();

describe('a plan file', () => {
  let bench: SimulatedMigration;
  let plan = '';
  beforeAll(async () => {
    bench = await aBench({ count: 6 });
    expect((await keyferry(bench, 'plan', 'playbook.yaml', '--out', 'good.plan')).code).toBe(0);
    plan = readFileSync(join(bench.dir, 'good.plan'), 'utf8');
  });

  const lines = (text: string): string[] => text.trimEnd().split('\n');
  const anotherItem = (text: string): string => text.replace('"label":"payments-0003"', '"label":"payments-0004"');
  test.each<[string, (text: string) => string, string, RegExp]>([
    ['with an item that was changed', anotherItem, 'plan-altered', /bad\.plan was altered: item 2 differs \(line 4\)/],
    [
      'with an item too few',
      (text) => `${lines(text).slice(0, -1).join('\n')}\n`,
      'plan-altered',
      /bad\.plan was altered: items are missing.*tells of 6.*has 5/,
    ],
    [
      'with an item too many',
      (text) => `${text}${lines(text).at(-1)}\n`,
      'plan-altered',
      /bad\.plan was altered: there are extra lines behind the 6 items/,
    ],
    [
      'with items in another order',
      (text) => [lines(text)[0], ...lines(text).slice(1).reverse(), ''].join('\n'),
      'plan-altered',
      /bad\.plan was altered: item 0 differs/,
    ],
    [
      'whose inputs were changed',
      (text) => text.replace(/("inputs":\{[^}]*"prefix":")payments-/, '$1web-'),
      'plan-altered',
      /bad\.plan was altered: the head differs: inputs/,
    ],
    [
      'whose devices were changed',
      (text) => text.replace(/"trust":"simulated"/, '"trust":"hardware"'),
      'plan-altered',
      /bad\.plan was altered: the head differs/,
    ],
    [
      'whose digest was changed',
      (text) => text.replace(/"digest":"(.)/, (_all, digit) => `"digest":"${digit === '0' ? '1' : '0'}`),
      'plan-altered',
      /bad\.plan was altered/,
    ],
    [
      'that is cut off in its first line',
      (text) => text.slice(0, 500),
      'plan-format',
      /bad\.plan is not a plan: .*cut off/,
    ],
    [
      'that is cut off in an item',
      (text) => text.slice(0, -40),
      'plan-format',
      /bad\.plan is cut off in the middle of item 5 \(line 7\)/,
    ],
    [
      'of a newer format',
      (text) => text.replace('"format":1', '"format":99'),
      'plan-format',
      /bad\.plan is a plan of format 99/,
    ],
  ])('%s', async (_name, change, code, says) => {
    const changed = change(plan);
    expect(changed).not.toBe(plan);
    writeFileSync(join(bench.dir, 'bad.plan'), changed);
    await expectRefused(bench, ['run', 'bad.plan', '--yes'], { exit: 3, code, says });
    const shown = await keyferry(bench, 'plan', 'show', 'bad.plan', '--json');
    expect([shown.code, errorOf(shown).code]).toEqual([3, code]);
  });

  test('that is none', async () => {
    writeFileSync(join(bench.dir, 'bad.plan'), '');
    await expectRefused(bench, ['plan', 'show', 'bad.plan'], {
      exit: 3,
      code: 'plan-format',
      says: /bad\.plan is empty/,
    });
    await expectRefused(bench, ['plan', 'show', 'playbook.yaml'], {
      exit: 3,
      code: 'plan-format',
      says: /playbook\.yaml is not a plan/,
    });
    await expectRefused(bench, ['plan', 'show', 'gone.plan'], { exit: 2, code: 'file-unreadable', says: /gone\.plan/ });
  });

  test('of other devices: each difference by its role', async () => {
    const text = readFileSync(join(bench.dir, 'devices.yaml'), 'utf8').replace('state/classic', 'other/classic');
    writeFileSync(join(bench.dir, 'other.yaml'), text, { mode: 0o600 });
    const says =
      /other devices; nothing was done: classic has serial "SIM[0-9a-f]+" and the plan was made for "SIM[0-9a-f]+"(?!;)/;
    await expectRefused(bench, ['run', 'good.plan', '--yes', '-d', 'other.yaml'], {
      exit: 3,
      code: 'plan-devices',
      says,
    });
    const swapped = ['run', 'good.plan', '--yes', '--device', 'classic=cluster'];
    await expectRefused(bench, swapped, { exit: 2, code: 'device-unknown', says: /wants luna-classic as classic/ });
  });

  test('that is not the one that was approved', async () => {
    const expected = ['--expect-digest', 'ab'.repeat(32)];
    const refusal = {
      exit: 3,
      code: 'plan-digest',
      says: /digest is [0-9a-f]{64}, not (ab){32}; nothing was done/,
      hint: /give the plan file/,
    };
    await expectRefused(bench, ['run', 'good.plan', '--yes', ...expected], refusal);
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes', ...expected], refusal);
  });

  test('run with other inputs', async () => {
    const says = /The plan was made with prefix="payments-"; nothing was done/;
    await expectRefused(bench, ['run', 'good.plan', '--yes', '-i', 'prefix=web-'], {
      exit: 2,
      code: 'input-invalid',
      says,
    });
  });

  test('is not overwritten by another', async () => {
    const refusal = {
      exit: 2,
      code: 'file-unreadable',
      says: /good\.plan exists and holds something else/,
      hint: /--force/,
    };
    await expectRefused(bench, ['plan', 'playbook.yaml', '--out', 'good.plan'], refusal);
    expect(readFileSync(join(bench.dir, 'good.plan'), 'utf8')).toBe(plan);
    expect(readdirSync(bench.dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('of none of these runs left a trace', async () => {
    expect(await runsOf(bench)).toEqual([]);
    expect(await bench.keys('cluster')).toEqual([]);
  });
});

describe('a plan that blocks', () => {
  let bench: SimulatedMigration;
  beforeAll(async () => {
    bench = await aBench({ count: 6, cluster: 'capabilities: { key-limit: 5 }' });
  });

  test('exits 3, says why for each key, and is not run', async () => {
    const plan = await keyferry(bench, 'plan', 'playbook.yaml', '--json');
    expect([plan.code, plan.stderr]).toEqual([3, '']);
    const { summary, items } = JSON.parse(plan.stdout);
    expect(summary).toEqual({ total: 6, move: 3, skip: 0, block: 3, duplicate: 0 });
    for (const item of items)
      expect(item.reason ?? '').toMatch(item.action === 'block' ? /^no room on cluster: 5 free places/ : /^$/);
    const human = await keyferry(bench, 'plan', 'playbook.yaml');
    expect([human.code, human.stdout]).toEqual([3, expect.stringContaining('3 move · 3 blocked')]);
    expect(human.stdout).toContain('--skip-blocked');
    const refusal = {
      exit: 3,
      code: 'plan-blocked',
      says: /blocks 3 of 6 keys; nothing was changed/,
      hint: /--skip-blocked/,
    };
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes'], refusal);
    expect((await keyferry(bench, 'run', 'playbook.yaml', '--dry-run', '--json')).code).toBe(3);
    expect(await runsOf(bench)).toEqual([]);
  });

  test('moves the others with --skip-blocked, and says which it left out', async () => {
    const run = await keyferry(bench, 'run', 'playbook.yaml', '--yes', '--skip-blocked', '--json');
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(lastJson(run)).toMatchObject({
      state: 'done',
      summary: { total: 6, migrated: 3, skipped: 3, failed: 0 },
      leftovers: [],
    });
    const items = (await keyferry(bench, 'status', '--items', '--json')).stdout.trimEnd().split('\n').slice(0, -1);
    const skipped = items.map((line) => JSON.parse(line)).filter(({ state }) => state === 'skipped');
    expect(skipped).toHaveLength(3);
    for (const { reason } of skipped) expect(reason).toMatch(/^blocked: no room on cluster/);
    expect(await bench.keys('cluster')).toHaveLength(3);
  });

  test('as a whole is not run even so', async () => {
    bench.devices({ cluster: 'capabilities: { key-limit: 4 }' });
    const refusal = {
      exit: 3,
      code: 'plan-blocked',
      says: /plan as a whole is blocked; nothing was changed: cluster has 1 free place/,
    };
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes', '--skip-blocked'], refusal);
  });
});
