import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { withFileLock, withFileLockSync } from '../../../../src/adapters/processes/file-lock.ts';
import { isAlive, markOf } from '../../../../src/adapters/processes/process-mark.ts';

let path: string;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'keyferry-lock-')), 'a.lock');
});

const lock = (waitMs: number) => ({ path, waitMs, purpose: 'a test' });

function deadPid(): number {
  return spawnSync('true').pid;
}

describe('withFileLock', () => {
  test('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withFileLock(lock(5_000), async () => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(5);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  test('is free again after work that failed', async () => {
    await expect(withFileLock(lock(0), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withFileLock(lock(0), async () => 'yes')).toBe('yes');
  });

  test('takes over from an owner that is gone', async () => {
    writeFileSync(path, JSON.stringify({ pid: deadPid(), started: '1' }));
    expect(await withFileLock(lock(1_000), async () => 'mine')).toBe('mine');
  });

  test('takes over from an owner whose process id was given to another process', async () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: '1' }));
    expect(await withFileLock(lock(1_000), async () => 'mine')).toBe('mine');
  });

  test('does not wait forever for a live owner', async () => {
    writeFileSync(path, JSON.stringify(markOf(process.pid)));
    await expect(withFileLock(lock(60), async () => 'no')).rejects.toMatchObject({ code: 'device-busy' });
    expect(existsSync(path)).toBe(true);
  });

  test('takes over when a process died while it took over, and leaves nothing lying about', async () => {
    const dead = JSON.stringify({ pid: deadPid(), started: '1' });
    writeFileSync(path, dead);
    writeFileSync(`${path}.breaking`, dead);
    expect(await withFileLock(lock(1_000), async () => 'mine')).toBe('mine');
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  test('does not mark a lock as its own that a killed process of the same id left under two names', async () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: '1' }));
    linkSync(path, `${path}.${process.pid}`);
    expect(await withFileLock(lock(1_000), async () => 'mine')).toBe('mine');
  });

  test('does not take over a lock that says nothing: it was not made here', async () => {
    writeFileSync(path, '');
    await expect(withFileLock(lock(60), async () => 'no')).rejects.toMatchObject({ code: 'device-busy' });
  });
});

describe('withFileLockSync', () => {
  test('gives what the work gives, and is free afterwards, also when the work failed', () => {
    expect(withFileLockSync(lock(0), () => 'done')).toBe('done');
    expect(() =>
      withFileLockSync(lock(0), () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  test('takes over from the dead and waits only so long for the living', () => {
    writeFileSync(path, JSON.stringify({ pid: deadPid(), started: '1' }));
    expect(withFileLockSync(lock(1_000), () => 'mine')).toBe('mine');
    writeFileSync(path, JSON.stringify(markOf(process.pid)));
    expect(() => withFileLockSync(lock(30), () => 'no')).toThrow(expect.objectContaining({ code: 'device-busy' }));
  });
});

describe('isAlive', () => {
  test('knows this process and not one that has ended', () => {
    expect(isAlive(markOf(process.pid))).toBe(true);
    const pid = deadPid();
    expect(isAlive({ pid, started: '' })).toBe(false);
  });
});
