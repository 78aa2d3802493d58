/** Runs that cannot go on as asked: over, held, failed in part, exposing keys in clear, with a journal that is not what it was. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { openSqlite } from '../../src/journal/sqlite/sqlite.ts';
import { lastJson, REPOSITORY, startCli } from '../support/built-cli.ts';
import { objectHistory } from '../support/canary-device-state.ts';
import { errorOf, expectRefused } from '../support/canary-refusals.ts';
import { keyferry, migrationBenches, runsOf } from '../support/migration-benches.ts';
import { copyHome, keyName, type SimulatedMigration } from '../support/simulated-migration.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const aBench = migrationBenches();

describe('a run', () => {
  let bench: SimulatedMigration;
  let run = '';
  beforeAll(async () => {
    bench = await aBench({ count: 6 });
    const ended = await keyferry(bench, 'run', 'playbook.yaml', '--yes', '--json');
    expect(ended.code, ended.stderr).toBe(0);
    run = String(lastJson(ended).run);
    copyHome(bench, '.keyferry', 'good-home');
  });

  test('that is over is neither resumed, retried nor cancelled', async () => {
    const says = new RegExp(`[Rr]un ${run}`);
    for (const command of [['resume'], ['retry', '--yes'], ['cancel', '--yes']])
      await expectRefused(bench, [...command, run], { exit: 2, code: 'run-finished', says });
  });

  test('that was nearly named gets the nearest name', async () => {
    const mistyped = `${run.slice(0, -1)}${run.endsWith('0') ? '1' : '0'}`;
    const refusal = {
      exit: 2,
      code: 'run-unknown',
      says: new RegExp(`no run "${mistyped}"`),
      hint: new RegExp(`Did you mean ${run}\\?`),
    };
    for (const command of [['resume'], ['status'], ['retry', '--yes']])
      await expectRefused(bench, [...command, mistyped], refusal);
  });

  /** A home folder with a journal that something happened to. */
  const spoil = (change: (runDir: string) => void | Promise<void>) => async (): Promise<void> => {
    rmSync(join(bench.dir, '.keyferry'), { recursive: true });
    copyHome(bench, 'good-home', '.keyferry');
    const dir = join(bench.dir, '.keyferry/runs', run);
    // All in one file, as after a checkpoint: else the log beside it would make good what is spoilt.
    const database = await openSqlite({ path: join(dir, 'journal.db') });
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    await change(dir);
  };
  const inJournal =
    (sql: string) =>
    async (dir: string): Promise<void> => {
      const database = await openSqlite({ path: join(dir, 'journal.db') });
      database.exec(sql);
      database.close();
    };
  test.each<[string, () => Promise<void>, string, RegExp]>([
    [
      'is cut off',
      spoil((dir) => truncateSync(join(dir, 'journal.db'), 9_000)),
      'journal-damaged',
      /damaged: journal\.db has 9000 of its \d+ bytes/,
    ],
    [
      'is nearly empty',
      spoil((dir) => truncateSync(join(dir, 'journal.db'), 50)),
      'journal-damaged',
      /damaged: journal\.db is cut off after 50 bytes/,
    ],
    ['is gone', spoil((dir) => rmSync(join(dir, 'journal.db'))), 'journal-damaged', /damaged: there is no journal\.db/],
    [
      'is something else',
      spoil((dir) => writeFileSync(join(dir, 'journal.db'), 'x'.repeat(9_000))),
      'journal-damaged',
      /journal\.db is not an SQLite database/,
    ],
    [
      'is another database',
      spoil(inJournal('PRAGMA application_id = 7')),
      'journal-foreign',
      /database that keyferry did not make/,
    ],
    [
      'is of a newer version',
      spoil(inJournal('PRAGMA user_version = 99')),
      'journal-newer',
      /format 99; this version of keyferry knows/,
    ],
    [
      'lost its last entry',
      spoil(inJournal('DELETE FROM entries WHERE seq = (SELECT max(seq) - 1 FROM entries)')),
      'journal-damaged',
      /journal of run .* is damaged/,
    ],
  ])('whose journal %s', async (_name, prepare, code, says) => {
    await prepare();
    for (const command of ['resume', 'status', 'verify'])
      await expectRefused(bench, [command, run], { exit: 8, code, says });
    const list = await keyferry(bench, 'runs');
    expect(list.code).toBe(0);
    if (code !== 'journal-damaged' || !says.source.includes('there is no'))
      expect(list.stdout).toContain(`unreadable (${code})`);
  });

  test('whose folder holds the journal of another run', async () => {
    const other = '20261122-000000-abcdef';
    await spoil((dir) => renameSync(dir, join(bench.dir, '.keyferry/runs', other)))();
    const says = new RegExp(`folder of run ${other} holds the journal of run ${run}`);
    await expectRefused(bench, ['resume', other], { exit: 8, code: 'journal-foreign', says });
  });

  test('whose older copy was put back is resumed without making a key twice', async () => {
    const late = await aBench({ count: 200 });
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--concurrency', '2'], { cwd: late.dir });
    const made = (): number => objectHistory(join(late.dir, 'state/cluster')).length;
    await vi.waitFor(() => expect(made()).toBeGreaterThan(30), { timeout: 60_000, interval: 20 });
    child.kill('SIGKILL');
    await result;
    copyHome(late, '.keyferry', 'older');
    expect((await keyferry(late, 'resume', '--json')).code).toBe(0);
    const before = (await late.keys('cluster')).map(keyName).sort();
    rmSync(join(late.dir, '.keyferry'), { recursive: true });
    cpSync(join(late.dir, 'older'), join(late.dir, '.keyferry'), { recursive: true });
    // What prepare made was deleted when the run ended, so the older journal cannot go on with it; retry prepares anew.
    const says = /cluster: there is no public key "classic_wrap"/;
    const stopped = await keyferry(late, 'resume', '--json');
    expect([stopped.code, errorOf(stopped)]).toMatchObject([
      1,
      { code: 'key-not-found', message: expect.stringMatching(says), device: 'cluster', outcome: 'not-applied' },
    ]);
    const { run: resumed, state } = lastJson(stopped);
    expect(state).toBe('failed');
    expect((await late.keys('cluster')).map(keyName).sort()).toEqual(before);
    const status = await keyferry(late, 'status');
    expect(status.stdout).toContain(`Next: keyferry retry ${resumed}`);
    const again = await keyferry(late, 'retry', String(resumed), '--yes', '--json');
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(lastJson(again)).toMatchObject({
      state: 'done',
      summary: { total: 200, failed: 0, pending: 0, needsAttention: 0 },
    });
    expect((await late.keys('cluster')).map(keyName).sort()).toEqual(before);
    expect(before).toHaveLength(200);
  });
});

describe('a run with keys that failed', () => {
  test('says which and why, exits 1, and retry moves them once the cause is gone', async () => {
    const bench = await aBench({
      count: 12,
      edit: (text) =>
        text
          .replace('rsa-oaep-sha1 }', 'rsa-oaep-sha1 }\n    retry: { attempts: 1 }')
          .replace(/stop-when: .*/, 'stop-when: failed > 10'),
    });
    bench.devices({ classic: 'faults: [{ call: C_WrapKey, kind: busy, probability: 0.4 }], fault-seed: 3' });
    const failed = await keyferry(bench, 'run', 'playbook.yaml', '--yes', '--json');
    const { run, state, summary } = lastJson(failed) as {
      run: string;
      state: string;
      summary: Record<'migrated' | 'failed', number>;
    };
    expect([failed.code, state]).toEqual([1, 'done']);
    expect(summary.failed).toBeGreaterThan(0);
    expect(summary.migrated + summary.failed).toBe(12);
    expect(await bench.keys('cluster')).toHaveLength(summary.migrated);
    const items = (await keyferry(bench, 'status', run, '--items', '--json')).stdout.trimEnd().split('\n').slice(0, -1);
    const lost = items.map((line) => JSON.parse(line)).filter((item) => item.state === 'failed');
    expect(lost).toHaveLength(summary.failed);
    for (const { error, target } of lost) {
      expect(error).toMatchObject({ device: 'classic', outcome: 'not-applied', hint: expect.stringMatching(/\w/) });
      expect(error.message).toMatch(/could not wrap the secret key "payments-\d+".*CKR_FUNCTION_FAILED/);
      expect(target).toBeNull();
    }
    const human = await keyferry(bench, 'status', run);
    expect(human.stdout).toContain(`${summary.failed} failed`);
    expect(human.stdout).toContain(`Next: keyferry retry ${run}`);

    const asked = { exit: 2, code: 'confirmation-required', says: /"Take (1 key|\d+ keys) again\?" needs an answer/ };
    await expectRefused(bench, ['retry', run], asked);
    bench.devices({});
    const retried = await keyferry(bench, 'retry', run, '--yes', '--json');
    expect([retried.code, retried.stderr]).toEqual([0, '']);
    expect(lastJson(retried)).toMatchObject({
      run,
      state: 'done',
      summary: { total: 12, migrated: 12, failed: 0 },
      leftovers: [],
    });
    const labels = (await bench.keys('cluster')).map(({ label }) => label);
    expect([labels.length, new Set(labels).size]).toEqual([12, 12]);
  });
});

describe('a run that another process works on', () => {
  test('is refused to resume and retry, with who holds it and since when', async () => {
    const bench = await aBench({ count: 60, cluster: 'faults: [{ call: C_UnwrapKey, kind: latency, ms: 100 }]' });
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--concurrency', '1'], { cwd: bench.dir });
    const made = (): number => objectHistory(join(bench.dir, 'state/cluster')).length;
    await vi.waitFor(() => expect(made()).toBeGreaterThan(8), { timeout: 60_000, interval: 20 });
    child.kill('SIGSTOP');
    const [{ run } = { run: '' }] = await runsOf(bench);
    const refusal = {
      exit: 6,
      code: 'run-held',
      says: new RegExp(`Process ${child.pid} on .* owns the run in .*${run} since 20`),
    };
    await expectRefused(bench, ['resume', run], refusal);
    await expectRefused(bench, ['resume'], refusal);
    child.kill('SIGKILL');
    await result;
    bench.devices({});
    const resumed = await keyferry(bench, 'resume', '--json');
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(await bench.keys('cluster')).toHaveLength(60);
  });
});

describe('a playbook that exposes keys in clear', () => {
  test('is planned loudly and run only with --allow-plaintext', async () => {
    const bench = await aBench({ count: 2 });
    cpSync(join(REPOSITORY, 'playbooks/import-plaintext-key.yaml'), join(bench.dir, 'import.yaml'));
    mkdirSync(join(bench.dir, 'keys'), { mode: 0o700 });
    writeFileSync(join(bench.dir, 'keys/one.key'), randomBytes(32), { mode: 0o600 });
    const run = ['run', 'import.yaml', '--yes', '-i', 'files=keys/*.key', '-i', 'after=keep'];
    const refusal = {
      exit: 2,
      code: 'plaintext-not-allowed',
      says: /exposes key bytes in clear.*nothing was changed/,
      hint: /--allow-plaintext/,
    };
    await expectRefused(bench, run, refusal);
    const plan = await keyferry(bench, 'plan', 'import.yaml', '-i', 'files=keys/*.key');
    expect(plan.stdout).toContain('run wants --allow-plaintext');
    const json = await keyferry(bench, 'plan', 'import.yaml', '-i', 'files=keys/*.key', '--json');
    expect(JSON.parse(json.stdout).exposesPlaintext).toBe(true);
    const ended = await keyferry(bench, ...run, '--allow-plaintext', '--json');
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(await bench.keys('cluster')).toHaveLength(1);
  });
});
