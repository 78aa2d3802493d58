/** playbooks/import-plaintext-key.yaml from the command line: what is imported, what is refused, and what becomes of the files. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastJson } from '../support/built-cli.ts';
import { changed } from '../support/engine-harness.ts';
import { type PlaintextDesk, plaintextDesk, shipped } from '../support/plaintext-desk.ts';

const PLAYBOOK = shipped('import-plaintext-key');

const command = (verb: 'plan' | 'run', ...more: string[]): string[] => [
  verb,
  PLAYBOOK,
  '--json',
  '-i',
  'files=keys/*.key',
  ...more,
];
const runs = (desk: PlaintextDesk, ...more: string[]) =>
  desk.run(...command('run', '--yes', '--allow-plaintext', ...more));
const filesIn = (desk: PlaintextDesk): string[] => readdirSync(join(desk.dir, 'keys')).sort();
const errorOf = (stderr: string): unknown => JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}').error;

interface Plan {
  readonly exposesPlaintext: boolean;
  readonly items: readonly { readonly label: string; readonly action: string; readonly reason: string }[];
}

describe('import-plaintext-key', () => {
  it('imports each key once, shreds its file, and a second run finds nothing', async () => {
    const desk = plaintextDesk({ cluster: '' });
    const keys = [16, 24, 32].map((length) => randomBytes(length));
    keys.forEach((bytes, index) => {
      desk.keyFile(`k${index}.key`, bytes);
    });
    desk.keyFile('other.txt', 'not matched');
    const run = await runs(desk, '-i', 'after=shred', '-i', 'prefix=made-');
    expect(run.code, run.stderr).toBe(0);
    expect(lastJson(run)).toMatchObject({ state: 'done', summary: { total: 3, migrated: 3 }, leftovers: [] });
    const seen = desk
      .seen('cluster')
      .map(({ label, material, extractable, sensitive }) => [label, material, extractable, sensitive]);
    expect(seen.sort()).toEqual(keys.map((bytes, index) => [`made-k${index}.key`, bytes.toString('hex'), false, true]));
    expect(filesIn(desk)).toEqual(['other.txt']);
    const items = await desk.run('status', String(lastJson(run).run), '--items', '--json');
    const lines = items.stdout.trim().split('\n').slice(0, 3);
    for (const line of lines)
      expect(JSON.parse(line).verification).toMatchObject({
        method: 'encrypt-ecb',
        strength: 'strong',
        result: 'same',
      });
    const verify = await desk.run('verify', String(lastJson(run).run), '--json');
    expect(verify.code, verify.stderr).toBe(0);
  }, 60_000);

  it('marks files so that they are not taken again, or keeps them, and says that the key is there already', async () => {
    const desk = plaintextDesk({ cluster: '' });
    desk.keyFile('a.key', randomBytes(32));
    expect((await runs(desk)).code).toBe(0);
    expect(filesIn(desk)).toEqual(['a.key.imported']);
    const same = readFileSync(join(desk.dir, 'keys', 'a.key.imported'));
    desk.keyFile('copy.key', same);
    desk.keyFile('b.key', randomBytes(16));
    const again = await runs(desk, '-i', 'after=keep');
    expect(again.code, again.stderr).toBe(0);
    expect(lastJson(again)).toMatchObject({ summary: { total: 2, migrated: 1, skipped: 1 } });
    expect(filesIn(desk)).toEqual(['a.key.imported', 'b.key', 'copy.key']);
    expect(desk.seen('cluster')).toHaveLength(2);
    const third = await runs(desk, '-i', 'after=shred');
    expect(lastJson(third)).toMatchObject({ summary: { total: 2, migrated: 0, skipped: 2 } });
    // What this run did not import, it does not shred.
    expect(filesIn(desk)).toEqual(['a.key.imported', 'b.key', 'copy.key']);
    expect(desk.seen('cluster')).toHaveLength(2);
  }, 60_000);

  it('names each wrong file with what it looks like, and imports none', async () => {
    const desk = plaintextDesk({ cluster: '' });
    desk.keyFile('good.key', randomBytes(32));
    desk.keyFile('hex.key', `${randomBytes(32).toString('hex')}\n`);
    desk.keyFile('base64.key', randomBytes(32).toString('base64'));
    desk.keyFile('long.key', randomBytes(33));
    chmodSync(desk.keyFile('open.key', randomBytes(32)), 0o666);
    const plan = await desk.run(...command('plan'));
    expect(plan.code).toBe(3);
    const { items, exposesPlaintext } = JSON.parse(plan.stdout) as Plan;
    expect(exposesPlaintext).toBe(true);
    const reasons = Object.fromEntries(items.map(({ label, action, reason }) => [label, `${action}: ${reason}`]));
    expect(reasons).toEqual({
      'good.key': 'move: null',
      'hex.key': expect.stringMatching(/^block: .*hex\.key .*65 bytes.*64 hex digits/),
      'base64.key': expect.stringMatching(/^block: .*base64\.key .*44 bytes.*base64: the text of 32 bytes/),
      'long.key': expect.stringMatching(/^block: .*long\.key .*33 bytes.*16, 24 or 32/),
      'open.key': expect.stringMatching(/^block: .*open\.key can be written by others/),
    });
    const run = await runs(desk, '-i', 'after=shred');
    expect(run.code).toBe(3);
    expect(errorOf(run.stderr)).toMatchObject({ code: 'plan-blocked' });
    expect(filesIn(desk)).toHaveLength(5);
    expect(await desk.keys('cluster')).toEqual([]);
  }, 60_000);

  it('wants --allow-plaintext, and says so before anything is done', async () => {
    const desk = plaintextDesk({ cluster: '' });
    desk.keyFile('a.key', randomBytes(32));
    const run = await desk.run(...command('run', '--yes', '-i', 'after=shred'));
    expect(run.code).toBe(2);
    expect(errorOf(run.stderr)).toMatchObject({ code: 'plaintext-not-allowed' });
    expect(filesIn(desk)).toEqual(['a.key']);
    expect(await desk.keys('cluster')).toEqual([]);
    const plan = await desk.run('plan', PLAYBOOK, '-i', 'files=keys/*.key');
    expect(plan.stdout).toContain('exposes key bytes in clear to this host');
  }, 60_000);

  it('refuses a playbook that does not say that it exposes, and one that shreds too early', async () => {
    const desk = plaintextDesk({ cluster: '' });
    desk.keyFile('a.key', randomBytes(32));
    const text = readFileSync(PLAYBOOK, 'utf8');
    writeFileSync(join(desk.dir, 'quiet.yaml'), changed(text, '    exposes: plaintext\n', ''));
    const quiet = await desk.run('validate', 'quiet.yaml');
    expect(quiet.code).toBe(2);
    expect(quiet.stdout).toContain('shows key bytes to the host');
    writeFileSync(join(desk.dir, 'early.yaml'), changed(text, 'after-each:\n', ''));
    const early = await desk.run(
      'run',
      'early.yaml',
      '-i',
      'files=keys/*.key',
      '-i',
      'after=shred',
      '--json',
      '--yes',
      '--allow-plaintext',
    );
    expect(early.code).toBe(3);
    expect(filesIn(desk)).toEqual(['a.key']);
    expect(await desk.keys('cluster')).toEqual([]);
  }, 60_000);

  it('keeps the file when the device is lost, and goes on with it when it is back', async () => {
    const desk = plaintextDesk({ cluster: '' });
    desk.keyFile('a.key', randomBytes(32));
    const sound = readFileSync(join(desk.dir, 'devices.yaml'), 'utf8');
    const faulty = changed(sound, 'state/cluster', 'state/cluster, faults: [{ call: C_GenerateKeyPair, kind: gone }]');
    writeFileSync(join(desk.dir, 'devices.yaml'), faulty);
    const run = await runs(desk, '-i', 'after=shred');
    expect(run.code, run.stderr).toBe(7);
    expect(filesIn(desk)).toEqual(['a.key']);
    writeFileSync(join(desk.dir, 'devices.yaml'), sound);
    expect(desk.seen('cluster')).toEqual([]);
    const resumed = await desk.run('resume', '--json');
    expect(lastJson(resumed)).toMatchObject({ state: 'done', summary: { migrated: 1 } });
    expect(filesIn(desk)).toEqual([]);
    expect(desk.seen('cluster')).toHaveLength(1);
  }, 60_000);
});
