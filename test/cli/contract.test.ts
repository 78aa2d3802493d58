/** The --json contracts of docs/architecture.md (the command line), field by field, and what goes to which stream. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CliResult, lastJson, MAIN, runCli } from '../support/built-cli.ts';
import { errorOf } from '../support/canary-refusals.ts';
import { type SimulatedMigration, simulatedMigration } from '../support/simulated-migration.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

type Json = Readonly<Record<string, unknown>>;

const HEX = /^[0-9a-f]*$/;
const DIGEST = /^[0-9a-f]{64}$/;
const RUN = /^\d{8}-\d{6}-[0-9a-f]{6}$/;
const KCV = expect.stringMatching(/^[0-9a-f]{6}$/);
const ITEM_KEY = expect.stringMatching(/^[0-9a-f]{16}(-\d+)?$/);
const LOCATOR = expect.objectContaining({
  serial: expect.any(String),
  class: 'secret',
  type: expect.any(String),
  id: expect.stringMatching(HEX),
  label: expect.any(String),
});
const COUNTS = ['total', 'migrated', 'skipped', 'failed', 'pending', 'needsAttention'];

/** Nothing but one JSON object, however many lines it has. */
function onlyJson(result: CliResult): Json {
  expect(result.stderr).toBe('');
  expect(result.stdout.endsWith('}\n')).toBe(true);
  return JSON.parse(result.stdout);
}

function expectSummary(summary: unknown): asserts summary is Record<string, number> {
  expect(Object.keys(summary as Json)).toEqual(COUNTS);
  const { total, ...others } = summary as Record<string, number>;
  expect(Object.values(others).reduce((sum, part) => sum + part, 0)).toBe(total);
}

let bench: SimulatedMigration;
let run = '';
const results: Record<string, CliResult> = {};
const keyferry = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: bench.dir });

beforeAll(async () => {
  bench = await simulatedMigration({ count: 12, nonextractableShare: 0.25 });
  results.plan = await keyferry('plan', 'playbook.yaml', '--json');
  results.run = await keyferry('run', 'playbook.yaml', '--yes', '--json');
  run = String(lastJson(results.run).run);
});
afterAll(() => rmSync(bench.dir, { recursive: true, force: true }));

const kept = (name: string): CliResult => {
  const result = results[name];
  if (result === undefined) throw new Error(`no result of ${name}`);
  return result;
};

describe('plan --json', () => {
  test('is one object with every field of the contract', () => {
    const plan = onlyJson(kept('plan'));
    expect(plan).toMatchObject({
      format: 1,
      playbook: 'classic-to-cloudhsm',
      digest: expect.stringMatching(DIGEST),
      devices: [
        { name: 'classic', adapter: 'luna-classic', driver: 'simulated', trust: 'simulated' },
        { name: 'cluster', adapter: 'cloudhsm', driver: 'simulated', trust: 'simulated' },
      ],
      summary: { total: 12, move: 9, skip: 3, block: 0, duplicate: 0 },
      exposesPlaintext: false,
      estimateSeconds: expect.any(Number),
    });
    const { items, prepare, finally: last } = plan as { items: Json[]; prepare: Json[]; finally: Json[] };
    expect(items).toHaveLength(12);
    for (const item of items) {
      expect(item).toMatchObject({ key: ITEM_KEY, label: expect.stringMatching(/^payments-\d{4}$/) });
      if (item.action === 'skip') expect(item.reason).toMatch(/extractable/);
      else expect([item.action, item.reason]).toEqual(['move', null]);
    }
    expect(new Set(items.map(({ key }) => key)).size).toBe(12);
    expect(prepare.map((step) => step.do)).toEqual([
      'cluster.generate-rsa-key-pair',
      'cluster.export-public-key',
      'classic.import-public-key',
    ]);
    expect(last.map((step) => step.do)).toEqual(['classic.delete-key', 'cluster.delete-key', 'cluster.delete-key']);
  });

  test('is the same from run --dry-run and from a plan file', async () => {
    const shape = (result: CliResult) => {
      const { digest, createdAt, items, ...rest } = onlyJson(result);
      return { ...rest, actions: (items as Json[]).map(({ label, action, reason }) => ({ label, action, reason })) };
    };
    const bare = await simulatedMigration({ count: 3, nonextractableShare: 0.34 });
    const inBare = (...args: string[]) => runCli(args, { cwd: bare.dir });
    const plan = await inBare('plan', 'playbook.yaml', '--json', '--out', 'a.plan');
    expect(shape(await inBare('run', 'playbook.yaml', '--dry-run', '--json'))).toEqual(shape(plan));
    const shown = await inBare('plan', 'show', 'a.plan', '--json');
    expect(onlyJson(shown)).toEqual(onlyJson(plan));
    expect((await inBare('run', 'a.plan', '--dry-run', '--json')).stdout).toBe(shown.stdout);
    // Sessions are opened as many as are wanted: fewer than the playbook says is no shortage of the device's.
    const few = await inBare('run', 'playbook.yaml', '--yes', '--concurrency', '2');
    expect(few.stdout).not.toContain('concurrency is');
    rmSync(bare.dir, { recursive: true });
  });
});

describe('the summary of a run', () => {
  const expectDone = (summary: Json): void => {
    expect(summary).toMatchObject({
      run: expect.stringMatching(RUN),
      state: 'done',
      seconds: expect.any(Number),
      leftovers: [],
    });
    expectSummary(summary.summary);
    expect(summary.summary).toEqual({ total: 12, migrated: 9, skipped: 3, failed: 0, pending: 0, needsAttention: 0 });
  };

  test('is the only line of run --json, and the last of status --json', async () => {
    expect(kept('run').code).toBe(0);
    expectDone(onlyJson(kept('run')));
    const status = onlyJson(await keyferry('status', '--json'));
    expectDone(status);
    expect(status).toMatchObject({ run, owned: false });
    for (const result of [kept('run'), await keyferry('status', '--json')])
      expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
    expectDone(lastJson(await keyferry('status', run, '--watch', '--json')));
  });

  test('comes after the items of status --items --json, one per line', async () => {
    const { stdout, stderr, code } = await keyferry('status', '--items', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expectDone(lines.pop() ?? {});
    expect(lines).toHaveLength(12);
    for (const item of lines) {
      expect(Object.keys(item)).toEqual(
        expect.arrayContaining(['key', 'label', 'state', 'reason', 'source', 'target', 'verification', 'error']),
      );
      expect(item).toMatchObject({ key: ITEM_KEY, source: { locator: LOCATOR, kcv: KCV }, error: null });
      if (item.state === 'skipped') {
        expect(item).toMatchObject({ reason: expect.stringMatching(/extractable/), target: null, verification: null });
        continue;
      }
      expect(item).toMatchObject({
        state: 'migrated',
        reason: null,
        target: { locator: LOCATOR, kcv: KCV },
        verification: { method: expect.any(String), strength: 'strong', result: 'same' },
      });
      const { source, target } = item as { source: Json; target: Json };
      expect(target.kcv).toBe(source.kcv);
    }
  });

  test('counts keys that are there already as skipped, with that reason', async () => {
    const again = await keyferry('run', 'playbook.yaml', '--yes', '--json', '--home', 'again');
    const { summary } = onlyJson(again);
    expectSummary(summary);
    expect(summary).toMatchObject({ total: 12, migrated: 0, skipped: 12 });
    const { stdout } = await keyferry('status', '--items', '--json', '--home', 'again');
    const reasons = stdout
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => String(JSON.parse(line).reason));
    expect(reasons.filter((reason) => reason.startsWith('already-there'))).toHaveLength(9);
  });

  test('of a run that was killed is said by resume too', async () => {
    const killed = await simulatedMigration({
      count: 40,
      cluster: 'faults: [{ call: C_UnwrapKey, kind: gone, nth: 20 }]',
    });
    const inKilled = (...args: string[]) => runCli(args, { cwd: killed.dir });
    const lost = await inKilled('run', 'playbook.yaml', '--yes', '--json', '--concurrency', '4');
    expect([lost.code, errorOf(lost).code]).toEqual([7, 'device-lost']);
    const paused = lastJson(lost);
    expectSummary(paused.summary);
    expect(paused).toMatchObject({ state: 'paused', run: expect.stringMatching(RUN) });
    expect((paused.leftovers as Json[]).map(({ device }) => device).sort()).toEqual(['classic', 'cluster', 'cluster']);
    for (const left of paused.leftovers as Json[])
      expect(left).toMatchObject({
        object: expect.stringContaining('classic_wrap'),
        reason: expect.stringContaining('resume or cancel'),
      });
    killed.devices({});
    const resumed = onlyJson(await inKilled('resume', '--json'));
    expectSummary(resumed.summary);
    expect(resumed).toMatchObject({
      run: paused.run,
      state: 'done',
      summary: { total: 40, migrated: 40 },
      leftovers: [],
    });
    rmSync(killed.dir, { recursive: true });
  });
});

describe('keys --json', () => {
  test('is one object with every field of the contract', async () => {
    const { keys } = onlyJson(await keyferry('keys', 'classic', '--json')) as { keys: Json[] };
    expect(keys).toHaveLength(12);
    for (const key of keys) {
      expect(key).toMatchObject({
        handle: expect.any(String),
        id: expect.stringMatching(HEX),
        label: expect.stringMatching(/^payments-/),
        class: 'secret',
        type: 'aes',
        bits: 256,
        kcv: KCV,
        attributes: { extractable: expect.any(Boolean), sensitive: true },
      });
      const { extractable } = key.attributes as Record<string, boolean>;
      expect(key.exportable).toBe(extractable);
      if (extractable === true) expect(key.reason).toBeNull();
      else expect(key.reason).toMatch(/extractable/);
    }
    const none = onlyJson(await keyferry('keys', 'classic', '--json', '--where', 'key.label == "nobody"'));
    expect(none).toEqual({ keys: [] });
    const quick = onlyJson(await keyferry('keys', 'classic', '--json', '--no-kcv')) as { keys: Json[] };
    // What the device itself says of a key's value, which uses no key.
    for (const key of quick.keys) expect(key.kcv === null || /^[0-9a-f]{6}$/.test(String(key.kcv))).toBe(true);
    expect(quick.keys.map(({ id }) => id).sort()).toEqual(keys.map(({ id }) => id).sort());
  });
});

describe('an error with --json', () => {
  test.each([
    ['of the command line', ['pln'], 2],
    ['of a file', ['plan', 'gone.yaml'], 2],
    ['of a device', ['keys', 'classic', '-d', 'gone.yaml'], 2],
    ['of a home folder', ['status', '--home', '/proc/keyferry'], 8],
  ])('%s is one object on stderr', async (_name, args, code) => {
    const result = await keyferry(...args, '--json');
    expect([result.code, result.stdout]).toEqual([code, '']);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    const error = errorOf(result);
    expect(Object.keys(error)).toEqual(expect.arrayContaining(['code', 'message', 'device', 'outcome', 'hint']));
    expect(error).toMatchObject({
      code: expect.stringMatching(/^[a-z-]+$/),
      outcome: 'not-applied',
      hint: expect.stringMatching(/\w/),
    });
  });
});

describe('demo --yes --json', () => {
  test('migrates what its plan said would move, fails none, and says why the others were skipped', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'keyferry-demo-'));
    const demo = await runCli(['demo', '--yes', '--json'], { cwd });
    expect(demo.code, demo.stderr).toBe(0);
    const ended = onlyJson(demo) as { plan: Record<string, number>; summary: Record<string, number>; dir: string };
    expectSummary(ended.summary);
    expect(ended.plan.move).toBeGreaterThan(0);
    expect(ended.plan.skip).toBeGreaterThan(0);
    expect(ended.summary).toEqual({
      total: ended.plan.total,
      migrated: ended.plan.move,
      skipped: (ended.plan.skip ?? 0) + (ended.plan.duplicate ?? 0),
      failed: 0,
      pending: 0,
      needsAttention: 0,
    });
    expect(ended).toMatchObject({ state: 'done', leftovers: [], verified: { same: ended.plan.move, different: 0 } });
    const inDemo = { cwd: join(cwd, 'keyferry-demo') };
    const { stdout } = await runCli(['status', '--items', '--json'], inDemo);
    const items = stdout
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Json);
    const skipped = items.filter(({ state }) => state === 'skipped');
    expect(skipped).toHaveLength(ended.summary.skipped ?? -1);
    for (const { reason } of skipped) expect(reason).toMatch(/extractable/);
    rmSync(cwd, { recursive: true });
  });
});

describe('the two streams', () => {
  test('results are on stdout, progress in plain lines on stderr, and neither moves a cursor or colours', async () => {
    const human = await keyferry('run', 'playbook.yaml', '--yes', '--home', 'streams');
    expect(human.code).toBe(0);
    expect(human.stdout).toMatch(/^Plan: [\s\S]*\nDone in [^\n]*: 0 migrated, 12 skipped {2}run \S+\n/);
    expect(human.stdout).not.toMatch(/Moving keys|Preparing/);
    expect(human.stderr).toMatch(/^(Preparing|Proving|Moving|Cleaning|Done|canary)/m);
    for (const line of human.stderr.trimEnd().split('\n'))
      expect(line).toMatch(/^[A-Z][\w ]+ · \d+ of \d+ \(\d+ %\)|^canary: /);
    // No escape, no carriage return, no backspace.
    for (const control of ['\u001b', '\r', '\b']) expect(human.stdout + human.stderr).not.toContain(control);
  });

  test('colour is for those who ask, and NO_COLOR is stronger than a terminal', async () => {
    const coloured = await runCli(['status'], { cwd: bench.dir, env: { NO_COLOR: '', FORCE_COLOR: '1' } });
    expect(coloured.stdout).toContain('\u001b[');
    const plain = await runCli(['status'], { cwd: bench.dir, env: { NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b');
    // script(1) gives the command a terminal.
    const terminal = (variables: string) =>
      spawnSync('script', ['-qec', `env ${variables} TERM=xterm node '${MAIN}' status`, '/dev/null'], {
        cwd: bench.dir,
        encoding: 'utf8',
      });
    expect(terminal('-u NO_COLOR -u FORCE_COLOR').stdout).toContain('\u001b[');
    expect(terminal('NO_COLOR=1').stdout).not.toContain('\u001b[3');
  });

  test.each([
    ['keys classic --json'],
    ['status --items'],
    ['plan playbook.yaml --items'],
    ['report --format csv'],
    ['--help'],
    ['run playbook.yaml --yes --home pipe'],
  ])('%s ends quietly when its reader goes away', (command) => {
    const piped = spawnSync('bash', ['-c', `node '${MAIN}' ${command} | head -1 > first; echo "\${PIPESTATUS[0]}"`], {
      cwd: bench.dir,
      encoding: 'utf8',
    });
    expect(piped.stdout).toBe('0\n');
    expect(piped.stderr.replaceAll(/^([A-Z][\w ]+ · .*|canary: .*)\n/gm, '')).toBe('');
  });
});
