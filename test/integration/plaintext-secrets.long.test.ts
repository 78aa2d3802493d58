/**
 * Key bytes that pass through in clear appear in the files that the operator named and nowhere else: not in what is shown, not in plans,
 * journals, reports, command lines or what a killed run leaves behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StateStore } from '../../src/adapters/yubihsm/simulator/state-file.ts';
import { OBJECT_TYPE } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { lastJson } from '../support/built-cli.ts';
import { CanaryDesk } from '../support/canary-desk.ts';
import { type Canary, CanarySearch, filesBelow } from '../support/canary-search.ts';
import { simulatedKeys } from '../support/canary-simulated-keys.ts';
import { shipped } from '../support/plaintext-desk.ts';

function clearDesk(): CanaryDesk {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-clear-canary-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const names = ['old', 'new', 'cluster'];
  const lines = names.map((name) => `  ${name}: { adapter: cloudhsm, driver: simulated, state: state/${name} }`);
  writeFileSync(join(dir, 'devices.yaml'), ['devices:', ...lines, ''].join('\n'), { mode: 0o600 });
  mkdirSync(join(dir, 'keys'), { mode: 0o700 });
  mkdirSync(join(dir, 'out'), { mode: 0o700 });
  return new CanaryDesk(dir);
}

/** Key files, and what is in them. */
function keyFiles(desk: CanaryDesk, count: number): Canary[] {
  return Array.from({ length: count }, (_, index) => {
    const bytes = randomBytes([16, 24, 32][index % 3] ?? 32);
    writeFileSync(join(desk.dir, 'keys', `${index}.key`), bytes, { mode: 0o600 });
    return { name: `key file ${index}`, bytes };
  });
}

const IMPORT = ['-i', 'files=keys/*.key'];
const ALLOWED = ['--yes', '--allow-plaintext'];

describe('keys in clear', () => {
  it('from files are in these files and in the device only', async () => {
    const desk = clearDesk();
    const canaries = keyFiles(desk, 6);
    // Refused for its length, with what it looks like: the refusal must not quote it.
    const hex = randomBytes(20).toString('hex');
    writeFileSync(join(desk.dir, 'keys', 'wrong.key'), hex, { mode: 0o600 });
    const search = new CanarySearch([...canaries, { name: 'refused', bytes: Buffer.from(hex) }]);
    const playbook = shipped('import-plaintext-key');
    await desk.run(['plan', playbook, ...IMPORT]);
    await desk.run(['plan', playbook, ...IMPORT, '--json', '--out', 'friday.plan']);
    expect((await desk.run(['run', playbook, ...IMPORT, ...ALLOWED, '--json'])).code).toBe(3);
    rmSync(join(desk.dir, 'keys', 'wrong.key'));
    const run = await desk.run(['run', playbook, ...IMPORT, '-i', 'after=keep', ...ALLOWED, '--json']);
    expect(lastJson(run)).toMatchObject({ summary: { migrated: 6 } });
    for (const args of [
      ['status', '--items', '--json'],
      ['report', '--format', 'csv'],
      ['verify'],
      ['keys', 'cluster', '--json'],
    ])
      await desk.run(args);
    expect(search.in(desk.everything(['keys', 'state']))).toEqual([]);
    // The search finds them where they are.
    expect(search.in(desk.everything(['state']))).toHaveLength(6);
    expect(search.in(desk.everything(['keys']))).toHaveLength(6);
  }, 120_000);

  it('are nowhere after they were shredded but in the device', async () => {
    const desk = clearDesk();
    const canaries = keyFiles(desk, 3);
    const run = await desk.run(['run', shipped('import-plaintext-key'), ...IMPORT, '-i', 'after=shred', ...ALLOWED]);
    expect(run.code, run.stderr).toBe(0);
    expect(new CanarySearch(canaries).in(desk.everything(['state']))).toEqual([]);
    expect(readdirSync(join(desk.dir, 'keys'))).toEqual([]);
  }, 60_000);

  it('that cross between clusters are in the clusters only', async () => {
    const desk = clearDesk();
    await desk.run(['simulator', 'fill', 'old', '--count', '3', '--prefix', 'payments-']);
    const run = await desk.run(['run', shipped('cluster-to-cluster-plaintext'), ...ALLOWED, '--json']);
    expect(lastJson(run)).toMatchObject({ summary: { migrated: 3 } });
    const known = [...simulatedKeys(join(desk.dir, 'state/old')), ...simulatedKeys(join(desk.dir, 'state/new'))];
    // Every key that ever was there: the three, the canary's and the transit key that crossed in clear.
    expect(known.filter(({ name }) => name.startsWith('secret')).length).toBeGreaterThanOrEqual(5);
    expect(new CanarySearch(known).in(desk.everything(['state']))).toEqual([]);
  }, 60_000);

  it('that leave a YubiHSM for KMS are on the device and in KMS only', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'keyferry-clear-canary-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const quotas = '{ GetParametersForImport: 0, CreateKey: 0, ImportKeyMaterial: 0 }';
    writeFileSync(
      join(dir, 'devices.yaml'),
      [
        'devices:',
        '  token: { adapter: yubihsm, driver: simulated, state: state/token }',
        `  account: { adapter: kms, driver: simulated, region: eu-west-1, state: state/account, quotas: ${quotas} }`,
        '',
      ].join('\n'),
      { mode: 0o600 },
    );
    const desk = new CanaryDesk(dir);
    const make = (label: string): string =>
      `  - { do: token.generate-key, with: { type: aes, bits: 256, label: ${label}, extractable: true } }\n`;
    const head = 'keyferry: 1\nplaybook: make-keys\ntitle: Make keys\ndevices: { token: yubihsm }\nprepare:\n';
    writeFileSync(join(dir, 'make.yaml'), head + make('payments-1') + make('payments-2'));
    expect((await desk.run(['run', 'make.yaml', '--yes'])).code).toBe(0);
    for (const playbook of ['yubihsm-to-kms-symmetric', 'external-cmk']) {
      await desk.run(['plan', shipped(playbook), '--json', '--out', `${playbook}.plan`]);
      const run = await desk.run(['run', shipped(playbook), ...ALLOWED, '--json']);
      expect(lastJson(run), run.stderr).toMatchObject({ state: 'done', leftovers: [] });
      for (const args of [['status', '--items', '--json'], ['report', '--format', 'json'], ['verify']])
        await desk.run(args);
    }
    const store = new StateStore();
    await store.open(join(dir, 'state/token'));
    const known = [...store.state.objects.values()]
      .filter(({ type }) => type === OBJECT_TYPE['symmetric-key'])
      .map(({ id, material }): Canary => ({ name: `key ${id}`, bytes: Uint8Array.from(material) }));
    await store.close();
    // The two that were moved, and the one that was made and escrowed.
    expect(known).toHaveLength(3);
    const search = new CanarySearch(known);
    expect(search.in(desk.everything(['state']))).toEqual([]);
    const kept = search
      .in(filesBelow(join(dir, 'state')))
      .map(({ canary, where }) => `${canary} ${where.split('/')[0]}`);
    expect([...new Set(kept)]).toHaveLength(6);
  }, 90_000);

  it('that a killed export was writing are under the names that the operator gave, whole, or under a name that says what it is', async () => {
    const desk = clearDesk();
    await desk.run(['simulator', 'fill', 'old', '--count', '40', '--prefix', 'k']);
    writeFileSync(
      join(desk.dir, 'export.yaml'),
      [
        'keyferry: 1',
        'playbook: export-in-clear',
        'title: Export keys in clear',
        'devices: { old: cloudhsm }',
        'keys: { from: old, where: key.class == "secret" }',
        'each:',
        '  - { id: clear, do: old.export-key, exposes: plaintext, with: { key: "${{ key }}" } }',
        '  - do: file.write-plaintext',
        '    exposes: plaintext',
        '    with: { path: "out/${{ key.label }}.key", data: "${{ steps.clear.material }}" }',
        '',
      ].join('\n'),
    );
    const { child, ended } = desk.start(['run', 'export.yaml', ...ALLOWED]);
    while (readdirSync(join(desk.dir, 'out')).length < 3 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await ended;
    const search = new CanarySearch(simulatedKeys(join(desk.dir, 'state/old')));
    expect(search.in(desk.everything(['state', 'out']))).toEqual([]);
    for (const name of readdirSync(join(desk.dir, 'out'))) expect(name).toMatch(/^k\d{4}\.key(\.keyferry-part)?$/);
    const resumed = await desk.run(['resume', '--json']);
    expect(lastJson(resumed), resumed.stderr).toMatchObject({ state: 'done', summary: { migrated: 40 } });
    expect(readdirSync(join(desk.dir, 'out')).filter((name) => !/^k\d{4}\.key$/.test(name))).toEqual([]);
    expect(search.in(desk.everything(['state', 'out']))).toEqual([]);
    expect(search.in(desk.everything(['state']))).toHaveLength(40);
  }, 120_000);
});
