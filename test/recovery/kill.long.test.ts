/** kill -9 in the middle of a run, again and again: no key lost, none doubled, the journal's chain intact. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { lastJson, runCli, startCli } from '../support/built-cli.ts';
import { copyHome, keyName, type SimulatedMigration, simulatedMigration } from '../support/simulated-migration.ts';
import { softHsmMigration } from '../support/softhsm-migration.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Fixed seed: a failing sequence of moments can be run again. */
function seededMoments(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

/** Looked for in the folder: to ask the command takes longer than a quick run. */
function hasJournal(dir: string): boolean {
  const runs = join(dir, '.keyferry/runs');
  return existsSync(runs) && readdirSync(runs).some((run) => existsSync(join(runs, run, 'journal.db')));
}

interface Killing {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly kills: number;
  /** Longest wait before a kill. */
  readonly spanMs: number;
  readonly seed: number;
  /** Small enough that the run outlives its kills on a quick machine too. */
  readonly concurrency: string;
}

/** Starts the run, kills it, resumes it, kills it … and at last lets it finish. Gives how many kills met a living run. */
async function runKilling(
  killing: Killing,
): Promise<{ readonly kills: number; readonly run: string; readonly result: Record<string, unknown> }> {
  const { dir, env = {} } = killing;
  const moment = seededMoments(killing.seed);
  let kills = 0;
  let isBegun = false;
  for (let round = 0; round < killing.kills * 2 && kills < killing.kills; round += 1) {
    const args = isBegun
      ? ['resume', '--json', '--concurrency', killing.concurrency]
      : ['run', 'playbook.yaml', '--yes', '--json', '--concurrency', killing.concurrency];
    const { child, result } = startCli(args, { cwd: dir, env });
    const ended = result.then(() => 'ended' as const);
    // Before the run exists there is nothing yet to lose.
    while (!isBegun) isBegun = await sleep(10).then(() => hasJournal(dir));
    const first = await Promise.race([ended, sleep(100 + moment() * killing.spanMs).then(() => 'kill' as const)]);
    if (first === 'kill') {
      child.kill('SIGKILL');
      kills += 1;
    }
    const done = await result;
    if (first === 'ended' && done.code === 0) break;
    if (first === 'ended') throw new Error(`${args[0]}: exit ${done.code}\n${done.stderr}`);
  }
  const last = await runCli(['resume', '--json'], { cwd: dir, env });
  const listed = await runCli(['status', '--json'], { cwd: dir, env });
  if (last.code !== 0 && !/run-(finished|unknown)/.test(last.stderr))
    throw new Error(`resume: ${last.code}\n${last.stderr}`);
  const result = lastJson(listed);
  return { kills, run: String(result.run), result };
}

async function expectWhole(migration: SimulatedMigration, count: number): Promise<void> {
  const source = (await migration.keys('classic')).filter((key) => key.class === 'secret');
  const target = await migration.keys('cluster');
  expect(source).toHaveLength(count);
  expect(target.map(keyName).sort()).toEqual(source.map(keyName).sort());
  expect(target.every((key) => key.attributes.extractable === false && key.attributes.sensitive === true)).toBe(true);
}

async function expectChain(dir: string, run: string): Promise<void> {
  const journal = await openJournal({ dir: join(dir, '.keyferry/runs', run), run, readOnly: true });
  await expect(journal.verifyChain()).resolves.toMatchObject({ entries: expect.any(Number) });
  await journal.close();
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('kill -9', () => {
  it('at 30 random moments of a 400-key run on the simulators', async () => {
    const slow = 'faults: [{ call: C_UnwrapKey, kind: latency, ms: 150 }]';
    const migration = await simulatedMigration({ count: 400, cluster: slow });
    folders.push(migration.dir);
    const { kills, run, result } = await runKilling({
      dir: migration.dir,
      kills: 30,
      spanMs: 700,
      seed: 20261122,
      concurrency: '4',
    });
    expect(kills).toBe(30);
    expect(result).toMatchObject({
      state: 'done',
      summary: { total: 400, failed: 0, pending: 0, needsAttention: 0 },
      leftovers: [],
    });
    migration.devices({});
    await expectWhole(migration, 400);
    await expectChain(migration.dir, run);
  }, 300_000);

  it('at 5 random moments of a run on SoftHSM', async () => {
    const migration = softHsmMigration();
    folders.push(migration.dir);
    for (let n = 0; n < 500; n += 1)
      migration.source.make({ type: 'aes', label: `payments-${n % 100}`, id: Buffer.from([n >> 8, n & 255]) });
    const before = migration.source.see();
    const { kills, run, result } = await runKilling({
      dir: migration.dir,
      env: migration.env,
      kills: 5,
      spanMs: 1200,
      seed: 4711,
      concurrency: '1',
    });
    expect(kills).toBe(5);
    expect(result).toMatchObject({
      state: 'done',
      summary: { total: 500, failed: 0, pending: 0, needsAttention: 0 },
      leftovers: [],
    });
    const after = migration.reopen();
    // SoftHSM writes an object's file attribute by attribute: killed in between, it leaves one without class or type, which is no key.
    const isObject = (key: (typeof before)[number]): boolean => key.class >= 0 && key.type >= 0;
    const name = (key: (typeof before)[number]): string =>
      `${key.type}/${key.label}/${key.id}/${key.usage}/${key.check}`;
    expect(after.target.see().filter(isObject).map(name).sort()).toEqual(before.map(name).sort());
    expect(after.source.see().map(name).sort()).toEqual(before.map(name).sort());
    await expectChain(migration.dir, run);
  }, 300_000);
});

describe('a home folder restored from a copy', () => {
  it('doubles nothing', async () => {
    const migration = await simulatedMigration({
      count: 60,
      cluster: 'faults: [{ call: C_UnwrapKey, kind: latency, ms: 250 }]',
    });
    folders.push(migration.dir);
    const { dir } = migration;
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--concurrency', '2'], { cwd: dir });
    let migrated = 0;
    while (migrated < 5) {
      await sleep(50);
      const status = await runCli(['status', '--json'], { cwd: dir });
      migrated = status.code === 0 ? ((lastJson(status).summary as { migrated: number }).migrated ?? 0) : 0;
    }
    child.kill('SIGSTOP');
    copyHome(migration, '.keyferry', 'backup');
    child.kill('SIGCONT');
    await sleep(600);
    child.kill('SIGKILL');
    await result;
    rmSync(join(dir, '.keyferry'), { recursive: true });
    copyHome(migration, 'backup', '.keyferry');
    migration.devices({});
    const resumed = await runCli(['resume', '--json'], { cwd: dir });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(lastJson(resumed)).toMatchObject({
      state: 'done',
      summary: { total: 60, failed: 0, pending: 0, needsAttention: 0 },
    });
    await expectWhole(migration, 60);
  }, 120_000);
});

describe('a stopped owner', () => {
  it('still holds its run: a second process exits 6', async () => {
    const migration = await simulatedMigration({
      count: 30,
      cluster: 'faults: [{ call: C_UnwrapKey, kind: latency, ms: 200 }]',
    });
    folders.push(migration.dir);
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--concurrency', '1'], {
      cwd: migration.dir,
    });
    let isBegun = false;
    while (!isBegun) {
      await sleep(50);
      isBegun = hasJournal(migration.dir);
    }
    child.kill('SIGSTOP');
    const second = await runCli(['resume', '--json'], { cwd: migration.dir });
    expect(second.code, second.stderr).toBe(6);
    expect(JSON.parse(second.stderr).error).toMatchObject({ code: 'run-held', outcome: 'not-applied' });
    child.kill('SIGCONT');
    expect((await result).code).toBe(0);
  }, 60_000);
});
