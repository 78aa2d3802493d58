/** playbooks/cluster-to-cluster-plaintext.yaml, and export to a file: one key in clear through this computer, and no trace of it left. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastJson } from '../support/built-cli.ts';
import { materials, type PlaintextDesk, plaintextDesk, shipped } from '../support/plaintext-desk.ts';

const PLAYBOOK = shipped('cluster-to-cluster-plaintext');

const errorOf = (stderr: string): unknown => JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}').error;

async function clusters(): Promise<PlaintextDesk> {
  const desk = plaintextDesk({ old: '', new: '' });
  await desk.run('simulator', 'fill', 'old', '--prefix', 'payments-', '--count', '5', '--nonextractable-share', '0.4');
  return desk;
}

describe('cluster-to-cluster-plaintext', () => {
  it('moves what may leave, and leaves no transit key on either side', async () => {
    const desk = await clusters();
    const before = desk.seen('old');
    const run = await desk.run('run', PLAYBOOK, '--yes', '--allow-plaintext', '--json');
    expect(run.code, run.stderr).toBe(0);
    expect(lastJson(run)).toMatchObject({
      state: 'done',
      summary: { total: 5, migrated: 3, skipped: 2 },
      leftovers: [],
    });
    expect(materials(desk.seen('new'))).toEqual(materials(before.filter(({ extractable }) => extractable)));
    expect(materials(desk.seen('old'))).toEqual(materials(before));
    const there = (await desk.keys('old')).map(({ label, kcv }) => `${label}/${kcv}`);
    for (const { label, kcv } of await desk.keys('new')) expect(there).toContain(`${label}/${kcv}`);
  }, 60_000);

  it('does nothing without --allow-plaintext', async () => {
    const desk = await clusters();
    const before = materials(desk.seen('old'));
    const run = await desk.run('run', PLAYBOOK, '--yes', '--json');
    expect(run.code).toBe(2);
    expect(errorOf(run.stderr)).toMatchObject({ code: 'plaintext-not-allowed' });
    expect(materials(desk.seen('old'))).toEqual(before);
    expect(await desk.keys('new')).toEqual([]);
  }, 60_000);
});

const EXPORT = `keyferry: 1
playbook: export-in-clear
title: Export keys in clear
devices: { old: cloudhsm }
keys:
  from: old
  where: key.class == "secret"
each:
  - id: clear
    do: old.export-key
    exposes: plaintext
    with: { key: "\${{ key }}" }
  - do: file.write-plaintext
    exposes: plaintext
    with: { path: "out/\${{ key.label }}.key", data: "\${{ steps.clear.material }}" }
policy: { stop-when: failed > 0 }
`;

async function exporting(playbook = EXPORT): Promise<PlaintextDesk> {
  const desk = plaintextDesk({ old: '' });
  await desk.run('simulator', 'fill', 'old', '--prefix', 'k', '--count', '3');
  writeFileSync(join(desk.dir, 'export.yaml'), playbook);
  mkdirSync(join(desk.dir, 'out'), { mode: 0o700 });
  return desk;
}

describe('export-key and file.write-plaintext', () => {
  it('write each key whole, for the owner only', async () => {
    const desk = await exporting();
    const run = await desk.run('run', 'export.yaml', '--yes', '--allow-plaintext', '--json');
    expect(run.code, run.stderr).toBe(0);
    for (const { label, material } of desk.seen('old')) {
      const path = join(desk.dir, 'out', `${label}.key`);
      expect(readFileSync(path).toString('hex')).toBe(material);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(join(desk.dir, 'out'))).toHaveLength(3);
  }, 60_000);

  it('never replace a file, and name what an interrupted run left', async () => {
    const desk = await exporting();
    const [first, second] = desk
      .seen('old')
      .map(({ label }) => label)
      .sort();
    writeFileSync(join(desk.dir, 'out', `${first}.key`), 'mine');
    writeFileSync(join(desk.dir, 'out', `${second}.key.keyferry-part`), randomBytes(11));
    const plan = await desk.run('plan', 'export.yaml', '--json');
    expect(plan.code).toBe(3);
    const items = (
      JSON.parse(plan.stdout) as { items: { label: string; action: string; reason: string; notes?: string[] }[] }
    ).items;
    expect(items.find(({ label }) => label === first)).toMatchObject({
      action: 'block',
      reason: expect.stringContaining('is there already, and is never replaced'),
    });
    const shown = await desk.run('plan', 'export.yaml', '--items');
    expect(`${plan.stdout}${shown.stdout}`).toContain('keyferry-part');
    expect(readFileSync(join(desk.dir, 'out', `${first}.key`), 'utf8')).toBe('mine');
  }, 60_000);

  it('refuse a key that may not leave, and file.write refuses a key in clear', async () => {
    const desk = await exporting(EXPORT.replace('file.write-plaintext\n    exposes: plaintext', 'file.write'));
    const run = await desk.run('run', 'export.yaml', '--yes', '--allow-plaintext', '--json');
    expect(run.code).toBe(1);
    expect(readdirSync(join(desk.dir, 'out'))).toEqual([]);
    await desk.run('simulator', 'fill', 'old', '--prefix', 'stuck', '--count', '1', '--nonextractable-share', '1');
    writeFileSync(join(desk.dir, 'export.yaml'), EXPORT);
    const plan = await desk.run('plan', 'export.yaml', '--json');
    expect(plan.code).toBe(3);
    const { items } = JSON.parse(plan.stdout) as { items: { label: string; reason: string }[] };
    expect(items.find(({ label }) => label.startsWith('stuck'))?.reason).toContain('not extractable');
    expect(existsSync(join(desk.dir, 'out', 'stuck0001.key'))).toBe(false);
  }, 60_000);
});
