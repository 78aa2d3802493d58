/** Home folders that cannot be trusted or made, and disks that are full: exit code 8, nothing changed on a device. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { lastJson, MAIN } from '../support/built-cli.ts';
import { objectHistory } from '../support/canary-device-state.ts';
import { errorOf, expectRefused } from '../support/canary-refusals.ts';
import { keyferry, migrationBenches, runsOf } from '../support/migration-benches.ts';
import type { SimulatedMigration } from '../support/simulated-migration.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const aBench = migrationBenches();

describe('a home folder', () => {
  let bench: SimulatedMigration;
  beforeAll(async () => {
    bench = await aBench({ count: 3 });
  });
  const commands = [['plan', 'playbook.yaml'], ['run', 'playbook.yaml', '--yes'], ['keys', 'classic'], ['status']];

  test('that others can write, or a folder in it or above it', async () => {
    for (const [open, home] of [
      ['shared', 'shared'],
      ['mine/runs', 'mine'],
      ['above', 'above/home'],
    ] as const) {
      mkdirSync(join(bench.dir, home), { recursive: true, mode: 0o700 });
      mkdirSync(join(bench.dir, open), { recursive: true, mode: 0o700 });
      chmodSync(join(bench.dir, open), 0o777);
      const refusal = {
        exit: 8,
        code: 'state-unsafe',
        says: new RegExp(`${open}.* can be written by others \\(mode 0777\\)`),
        hint: /chmod/,
      };
      for (const command of commands) await expectRefused(bench, [...command, '--home', home], refusal);
      // Refused before a PIN was tried or anything was written there.
      expect(readdirSync(join(bench.dir, home)).filter((name) => name !== 'runs')).toEqual([]);
    }
  });

  test('that cannot be made', async () => {
    const refusal = {
      exit: 8,
      code: 'state-unwritable',
      says: /home folder \S*(playbook\.yaml|proc)\S* cannot be used: (ENOTDIR|EEXIST|ENOENT)/,
    };
    for (const home of ['playbook.yaml', 'playbook.yaml/deeper', '/proc/keyferry', '/proc/keyferry/deeper'])
      await expectRefused(bench, ['run', 'playbook.yaml', '--yes', '--home', home], refusal);
  });
});

describe('a disk that is full', () => {
  let bench: SimulatedMigration;
  beforeAll(async () => {
    bench = await aBench({ count: 300 });
  });
  /** A limit to the size of every file that is written, which needs no right to mount anything: EFBIG instead of ENOSPC. */
  const limited = (kilobytes: number, ...args: string[]) =>
    spawnSync('bash', ['-c', `ulimit -f ${kilobytes}; exec node '${MAIN}' ${args.join(' ')}`], {
      cwd: bench.dir,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });

  test('when the run begins: nothing is done', async () => {
    const history = objectHistory(join(bench.dir, 'state/cluster'));
    for (const json of [[], ['--json']]) {
      const { status, stderr } = limited(60, 'run', 'playbook.yaml', '--yes', ...json);
      expect([status, stderr]).toEqual([8, expect.stringMatching(/state-unwritable|disk-full/)]);
      expect(stderr).toContain('.keyferry');
      expect(stderr).not.toContain('bug');
    }
    expect(objectHistory(join(bench.dir, 'state/cluster'))).toEqual(history);
    expect(await runsOf(bench)).toEqual([]);
  });

  test('in the middle of a run: it pauses, and goes on where it was once there is room', async () => {
    const { status, stdout, stderr } = limited(700, 'run', 'playbook.yaml', '--yes', '--json');
    expect(status, stderr).toBe(8);
    const told = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error;
    expect(told).toMatchObject({ code: expect.stringMatching(/state-unwritable|disk-full/), outcome: 'unknown' });
    expect(told.message).toMatch(/journal of run \S+ could not be written: .*resume asks the devices/);
    const paused = JSON.parse(stdout) as { run: string; state: string; summary: { pending: number } };
    expect(paused.state).toBe('paused');
    expect(paused.summary.pending).toBeGreaterThan(0);
    const resumed = await keyferry(bench, 'resume', '--json');
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(lastJson(resumed)).toMatchObject({ run: paused.run, summary: { total: 300, migrated: 300 }, leftovers: [] });
    const labels = (await bench.keys('cluster')).map(({ label }) => label);
    expect([labels.length, new Set(labels).size]).toEqual([300, 300]);
  });
});

describe.runIf(canMount())('a file system of one megabyte that is full (needs the right to mount)', () => {
  test('is told as a full disk, and resume goes on once there is room', async () => {
    const bench = await aBench({ count: 300 });
    const home = join(bench.dir, '.keyferry');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', home]);
    try {
      const filler = join(home, 'filler');
      writeFileSync(filler, Buffer.alloc(900_000));
      const says = /\.keyferry|journal of run/;
      await expectRefused(bench, ['run', 'playbook.yaml', '--yes'], {
        exit: 8,
        code: 'disk-full',
        says,
        hint: /Make room/,
      });
      truncateSync(filler, 100_000);
      const stopped = await keyferry(bench, 'run', 'playbook.yaml', '--yes', '--json');
      expect([stopped.code, errorOf(stopped)]).toMatchObject([8, { code: 'disk-full', outcome: 'unknown' }]);
      rmSync(filler);
      execFileSync('mount', ['-o', 'remount,size=64m', home]);
      const resumed = await keyferry(bench, 'resume', '--json');
      expect([resumed.code, resumed.stderr]).toEqual([0, '']);
      expect(lastJson(resumed)).toMatchObject({ state: 'done', summary: { total: 300, migrated: 300 }, leftovers: [] });
    } finally {
      execFileSync('umount', ['-l', home]);
    }
  });
});

function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false;
  // Root in a container may still not mount.
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}
