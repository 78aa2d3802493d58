/** The playbooks of this route on SoftHSM tokens behind the real driver: device hosts, a foreign implementation of every mechanism, and a witness of its own. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastJson, runCli } from '../support/built-cli.ts';
import { shipped } from '../support/plaintext-desk.ts';
import { SOFTHSM_MODULE } from '../support/softhsm.ts';
import { type SoftHsmMigration, softHsmMigration } from '../support/softhsm-migration.ts';
import type { SeenKey } from '../support/token-witness.ts';

const name = (key: SeenKey): string => `${key.label}/${key.id}/${key.type}/${key.usage}/${key.check}`;

describe('SoftHSM tokens', () => {
  let migration: SoftHsmMigration;
  let before: SeenKey[];

  beforeAll(() => {
    migration = softHsmMigration();
    const device = (token: string, pin: string) =>
      `{ adapter: cloudhsm, driver: pkcs11, module: ${SOFTHSM_MODULE}, token: ${token}, pin: { env: ${pin} } }`;
    const lines = [
      ['old', device('old-hsm', 'SOURCE_PIN')],
      ['new', device('new-hsm', 'TARGET_PIN')],
      ['cluster', device('new-hsm', 'TARGET_PIN')],
    ].map(([role, settings]) => `  ${role}: ${settings}`);
    writeFileSync(join(migration.dir, 'devices.yaml'), ['devices:', ...lines, ''].join('\n'), { mode: 0o600 });
    for (let n = 0; n < 12; n += 1)
      migration.source.make({
        type: 'aes',
        bytes: ([16, 24, 32] as const)[n % 3] ?? 32,
        label: `payments-${n}`,
        id: randomBytes(8),
      });
    migration.source.make({ type: 'des3', label: 'payments-des', id: randomBytes(8), usage: ['encrypt', 'decrypt'] });
    migration.source.make({ type: 'aes', label: 'payments-stuck', id: randomBytes(8), extractable: false });
    before = migration.source.see();
  });
  afterAll(() => rmSync(migration.dir, { recursive: true, force: true }));

  const run = (...args: string[]) => runCli(args, { cwd: migration.dir, env: migration.env });
  const movable = (): string[] =>
    before
      .filter(({ extractable }) => extractable)
      .map(name)
      .sort();

  /** Takes away what the last playbook moved, through the witness's own module. */
  async function emptyTarget(): Promise<void> {
    writeFileSync(
      join(migration.dir, 'empty.yaml'),
      'keyferry: 1\nplaybook: empty\ntitle: Empty\ndevices: { new: cloudhsm }\nkeys: { from: new }\neach:\n  - do: new.delete-key\n    with: { key: "${{ key }}" }\n',
    );
    const emptied = await run('run', 'empty.yaml', '--yes', '--json');
    expect(emptied.code, emptied.stderr).toBe(0);
  }

  it('move keys under a transit key that crossed under RSA-OAEP with SHA-1, the only hash that they know', async () => {
    const text = readFileSync(shipped('cluster-to-cluster'), 'utf8');
    writeFileSync(join(migration.dir, 'transit.yaml'), text.replace('rsa-oaep-sha256', 'rsa-oaep-sha1'));
    const moved = await run('run', 'transit.yaml', '--yes', '--json');
    expect(moved.code, moved.stderr).toBe(0);
    expect(lastJson(moved)).toMatchObject({ summary: { total: 14, migrated: 13, skipped: 1 }, leftovers: [] });
    const after = migration.reopen();
    expect(after.target.see().map(name).sort()).toEqual(movable());
    expect(after.target.see().every(({ extractable, sensitive }) => !extractable && sensitive)).toBe(true);
    expect(after.source.see().map(name).sort()).toEqual(before.map(name).sort());
    await emptyTarget();
  }, 120_000);

  it('move keys under a transit key that crossed in clear', async () => {
    const moved = await run('run', shipped('cluster-to-cluster-plaintext'), '--yes', '--allow-plaintext', '--json');
    expect(moved.code, moved.stderr).toBe(0);
    expect(lastJson(moved)).toMatchObject({ summary: { total: 14, migrated: 13, skipped: 1 }, leftovers: [] });
    const after = migration.reopen();
    expect(after.target.see().map(name).sort()).toEqual(movable());
    expect(after.source.see().map(name).sort()).toEqual(before.map(name).sort());
    await emptyTarget();
  }, 120_000);

  it('take keys from files', async () => {
    mkdirSync(join(migration.dir, 'keys'), { mode: 0o700 });
    const bytes = randomBytes(32);
    writeFileSync(join(migration.dir, 'keys', 'a.key'), bytes, { mode: 0o600 });
    const imported = await run(
      'run',
      shipped('import-plaintext-key'),
      '-i',
      'files=keys/*.key',
      '-i',
      'after=shred',
      '--yes',
      '--allow-plaintext',
      '--json',
    );
    expect(imported.code, imported.stderr).toBe(0);
    const block = createCipheriv('aes-256-ecb', bytes, null).setAutoPadding(false).update(Buffer.alloc(16));
    expect(migration.reopen().target.see()).toEqual([
      expect.objectContaining({
        label: 'a.key',
        check: block.subarray(0, 3).toString('hex'),
        usage: 'encrypt,decrypt',
        extractable: false,
        sensitive: true,
      }),
    ]);
    expect(readdirSync(join(migration.dir, 'keys'))).toEqual([]);
  }, 120_000);
});
