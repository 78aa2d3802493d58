/** The main job on two real PKCS#11 tokens: 300 keys of every kind that matters, judged by a witness that shares nothing with the engine. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastJson, runCli } from '../support/built-cli.ts';
import { type SoftHsmMigration, softHsmMigration } from '../support/softhsm-migration.ts';
import type { SeenKey, WantedKey } from '../support/token-witness.ts';

const id = () => randomBytes(8);
const there: WantedKey = { type: 'aes', label: 'payments-there', id: id(), value: randomBytes(32) };

function wantedKeys(): WantedKey[] {
  const keys: WantedKey[] = [there];
  for (let n = 0; n < 200; n += 1) {
    keys.push({ type: 'aes', bytes: ([16, 24, 32] as const)[n % 3] ?? 32, label: `payments-aes-${n}`, id: id() });
  }
  for (let n = 0; n < 40; n += 1)
    keys.push({ type: 'des3', label: `payments-des-${n}`, id: id(), usage: ['encrypt', 'decrypt'] });
  for (let n = 0; n < 20; n += 1)
    keys.push({ type: 'aes', label: `payments-fixed-${n}`, id: id(), extractable: false });
  for (let n = 0; n < 20; n += 1) keys.push({ type: 'aes', label: 'payments-twin' });
  for (let n = 0; n < 10; n += 1)
    keys.push({ type: 'aes', label: `payments-wraponly-${n}`, id: id(), usage: ['wrap'] });
  for (let n = 0; n < 9; n += 1)
    keys.push({ type: 'aes', label: `payments-decrypt-${n}`, id: id(), usage: ['decrypt'] });
  return keys;
}

const name = (key: SeenKey): string => `${key.class}/${key.type}/${key.label}/${key.id}/${key.usage}/${key.check}`;
const foreign = (keys: readonly SeenKey[]): string[] =>
  keys
    .filter((key) => key.label.startsWith('foreign-'))
    .map(name)
    .sort();

describe('two SoftHSM tokens', () => {
  let migration: SoftHsmMigration;
  let sourceBefore: SeenKey[];
  let targetBefore: SeenKey[];

  beforeAll(() => {
    migration = softHsmMigration();
    for (const key of wantedKeys()) migration.source.make(key);
    migration.source.make({ type: 'aes', label: 'foreign-source', id: id() });
    migration.target.make(there);
    for (let n = 0; n < 5; n += 1) migration.target.make({ type: 'aes', label: `foreign-${n}`, id: id() });
    sourceBefore = migration.source.see();
    targetBefore = migration.target.see();
  });

  afterAll(() => rmSync(migration.dir, { recursive: true, force: true }));

  it('plans, runs and verifies: every movable key once, nothing else changed', async () => {
    const { dir, env } = migration;
    const plan = await runCli(['plan', 'playbook.yaml', '--json', '--out', 'night.plan'], { cwd: dir, env });
    expect(plan.stderr).toBe('');
    expect(plan.code).toBe(0);
    const planned = JSON.parse(plan.stdout) as {
      summary: Record<string, number>;
      devices: { trust: string }[];
      items: { label: string; action: string; reason: string }[];
    };
    expect(planned.summary).toEqual({ total: 300, move: 279, skip: 20, block: 0, duplicate: 1 });
    expect(planned.devices.map((device) => device.trust)).toEqual(['software', 'software']);
    expect(
      planned.items
        .filter((item) => item.action === 'skip')
        .every((item) => item.label.startsWith('payments-fixed-') && /extractable/i.test(item.reason)),
    ).toBe(true);
    expect(planned.items.find((item) => item.action === 'duplicate')?.label).toBe('payments-there');
    expect(migration.reopen().target.see().map(name).sort()).toEqual(targetBefore.map(name).sort());

    const run = await runCli(['run', 'night.plan', '--yes', '--json'], { cwd: dir, env });
    expect(run.code, run.stderr).toBe(0);
    expect(lastJson(run)).toMatchObject({
      state: 'done',
      summary: { total: 300, migrated: 279, skipped: 21, failed: 0, pending: 0, needsAttention: 0 },
      leftovers: [],
    });

    const after = migration.reopen();
    const arrived = after.target.see();
    const movable = sourceBefore.filter((key) => key.label.startsWith('payments-') && key.extractable);
    expect(movable).toHaveLength(280);
    expect(movable.every((key) => key.check !== 'none')).toBe(true);
    // Exactly once: same class, type, label, id, usage and check value, as a multiset.
    expect(
      arrived
        .filter((key) => key.label.startsWith('payments-'))
        .map(name)
        .sort(),
    ).toEqual(movable.map(name).sort());
    expect(
      arrived
        .filter((key) => key.label.startsWith('payments-') && key.label !== there.label)
        .every((key) => !key.extractable && key.sensitive),
    ).toBe(true);
    expect(foreign(arrived)).toEqual(foreign(targetBefore));
    expect(arrived).toHaveLength(280 + 5);
    expect(after.source.see().map(name).sort()).toEqual(sourceBefore.map(name).sort());

    const verify = await runCli(['verify', String(lastJson(run).run), '--json'], { cwd: dir, env });
    expect(verify.code, verify.stderr).toBe(0);
  }, 240_000);

  it('moves nothing a second time', async () => {
    const { dir, env } = migration;
    const again = await runCli(['run', 'playbook.yaml', '--yes', '--json'], { cwd: dir, env });
    expect(again.code, again.stderr).toBe(0);
    expect(lastJson(again)).toMatchObject({ summary: { total: 300, migrated: 0, skipped: 300 } });
    expect(migration.reopen().target.see()).toHaveLength(280 + 5);
  }, 120_000);

  it('refuses a wrong PIN once and does not try it again', async () => {
    const { dir, env } = migration;
    const wrong = { ...env, SOURCE_PIN: 'wrong-pin-0000' };
    const home = join(dir, 'other-home');
    const first = await runCli(['plan', 'playbook.yaml', '--json', '--home', home], { cwd: dir, env: wrong });
    expect(first.code).toBe(7);
    expect(JSON.parse(first.stderr).error).toMatchObject({ code: 'login-refused', outcome: 'not-applied' });
    const second = await runCli(['plan', 'playbook.yaml', '--json', '--home', home], { cwd: dir, env: wrong });
    expect(second.code).toBe(7);
    expect(JSON.parse(second.stderr).error).toMatchObject({ code: 'login-remembered' });
    // The token counts a wrong PIN now: only an operator who is sure goes on.
    const risky = await runCli(['keys', 'classic', '--json', '--home', home], { cwd: dir, env });
    expect(JSON.parse(risky.stderr).error).toMatchObject({ code: 'login-risky' });
    const right = await runCli(['keys', 'classic', '--json', '--home', home, '--retry-pin'], { cwd: dir, env });
    expect(right.code, right.stderr).toBe(0);
  }, 60_000);
});
