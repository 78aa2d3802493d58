/** playbooks/cluster-to-cluster.yaml on two simulated clusters: under a transit key that crosses under RSA-OAEP and is gone afterwards. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastJson } from '../support/built-cli.ts';
import { changed } from '../support/engine-harness.ts';
import { materials, type PlaintextDesk, plaintextDesk, shipped } from '../support/plaintext-desk.ts';

const PLAYBOOK = shipped('cluster-to-cluster');

async function clusters(count = 6): Promise<PlaintextDesk> {
  const desk = plaintextDesk({ old: '', new: '' });
  const fill = ['simulator', 'fill', 'old', '--prefix', 'payments-'];
  await desk.run(...fill, '--count', String(count), '--nonextractable-share', '0.34');
  await desk.run(...fill, '--count', '2', '--type', 'des3', '--prefix', 'payments-des-');
  await desk.run(...fill, '--count', '1', '--prefix', 'other-');
  return desk;
}

describe('cluster-to-cluster', () => {
  it('moves what may leave, names what may not, and leaves no wrapping key on either side', async () => {
    const desk = await clusters();
    const before = desk.seen('old');
    const run = await desk.run('run', PLAYBOOK, '--yes', '--json');
    expect(run.code, run.stderr).toBe(0);
    expect(lastJson(run)).toMatchObject({ state: 'done', summary: { total: 8, migrated: 6, skipped: 2, failed: 0 } });

    const arrived = desk.seen('new');
    const movable = before.filter(({ extractable }) => extractable);
    expect(materials(arrived)).toEqual(materials(movable, 'payments-'));
    expect(arrived.every((key) => !key.extractable && key.sensitive)).toBe(true);
    expect(materials(desk.seen('old'))).toEqual(materials(before));
    const kcvs = (keys: readonly { label: string; kcv: string | null }[]) =>
      keys.map(({ label, kcv }) => `${label}/${kcv}`);
    const there = kcvs(await desk.keys('old'));
    expect(kcvs(await desk.keys('new')).filter((kcv) => !there.includes(kcv))).toEqual([]);
  }, 60_000);

  it('moves nothing a second time', async () => {
    const desk = await clusters(3);
    expect((await desk.run('run', PLAYBOOK, '--yes', '--json')).code).toBe(0);
    const arrived = materials(desk.seen('new'));
    const again = await desk.run('run', PLAYBOOK, '--yes', '--json');
    expect(lastJson(again)).toMatchObject({ summary: { migrated: 0, failed: 0 } });
    expect(materials(desk.seen('new'))).toEqual(arrived);
  }, 60_000);

  it('stops before the first key when the transit keys are not the same, and takes them down again', async () => {
    const desk = await clusters(2);
    // Another key stands where the twin should be: the guard before the first wrap must see it.
    const text = readFileSync(PLAYBOOK, 'utf8');
    const stranger =
      '  - id: stranger\n    do: new.generate-key\n    with: { type: aes, bits: 256, purpose: wrapping, label: stranger }\n';
    let swapped = changed(text, '\n# A throw-away key goes', `${stranger}\n# A throw-away key goes`);
    swapped = changed(
      swapped,
      `unwrapping-key: "\${{ steps.twin.key }}"`,
      `unwrapping-key: "\${{ steps.stranger.key }}"`,
    );
    swapped = changed(
      swapped,
      '\nfinally:\n',
      `\nfinally:\n  - do: new.delete-key\n    with: { key: "\${{ steps.stranger.key }}" }\n`,
    );
    writeFileSync(join(desk.dir, 'swapped.yaml'), swapped);
    const run = await desk.run('run', 'swapped.yaml', '--yes', '--json');
    expect(JSON.parse(run.stderr.trim().split('\n').at(-1) ?? '{}').error).toMatchObject({
      code: 'wrapping-key-swapped',
    });
    expect(run.code).not.toBe(0);
    expect(desk.seen('new')).toEqual([]);
    expect(desk.seen('old').filter(({ label }) => label.startsWith('transit'))).toEqual([]);
  }, 60_000);
});
