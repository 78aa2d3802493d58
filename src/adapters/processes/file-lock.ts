/**
 * A lock between processes of one machine: a file made atomically, which names its owner. A lock whose owner is gone is taken over. Not
 * for network file systems (the home folder is refused there).
 */
import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { isAlive, markOf, type ProcessMark } from './process-mark.ts';

const POLL_MS = 20;
const SHORT_POLL_MS = 2;

export interface FileLockOptions {
  readonly path: string;
  /** How long to wait for another owner. */
  readonly waitMs: number;
  /** What the lock guards, for the error: "the login of device cluster". */
  readonly purpose: string;
}

/**
 * Runs `work` while holding the lock.
 * @throws KeyferryError `device-busy` when another live process holds it for all of `waitMs`.
 */
export async function withFileLock<T>(options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(options);
  try {
    return await work();
  } finally {
    rmSync(options.path, { force: true });
  }
}

/** The same for quick work that must not be interleaved with anything: blocks the thread while it waits. */
export function withFileLockSync<T>(options: FileLockOptions, work: () => T): T {
  const deadline = performance.now() + options.waitMs;
  while (!tryAcquire(options, deadline)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SHORT_POLL_MS);
  try {
    return work();
  } finally {
    rmSync(options.path, { force: true });
  }
}

async function acquire(options: FileLockOptions): Promise<void> {
  const deadline = performance.now() + options.waitMs;
  while (!tryAcquire(options, deadline)) await sleep(POLL_MS);
}

function tryAcquire({ path, waitMs, purpose }: FileLockOptions, deadline: number): boolean {
  if (tryCreate(path)) return true;
  removeIfDead(path);
  if (performance.now() <= deadline) return false;
  const hint = `If no keyferry process runs on this machine, delete ${path}.`;
  throw new KeyferryError('device-busy', `Another process holds ${purpose} for more than ${waitMs / 1000} s`, { hint });
}

/** Written aside and linked: a lock that is there names its owner, whenever that owner is killed. */
function tryCreate(path: string): boolean {
  const draft = draftOf(path, process.pid);
  try {
    // One that a killed process of the same id left may be the lock itself, by another name.
    rmSync(draft, { force: true });
    writeFileSync(draft, JSON.stringify(markOf(process.pid)), { mode: 0o600, flag: 'wx' });
    return tryLink(draft, path);
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

const draftOf = (path: string, pid: number): string => `${path}.${pid}`;

/** Only the holder of the second lock removes a dead owner's first one: else two could, and the slower would remove a live lock. */
function removeIfDead(path: string): void {
  const owner = readOwner(path);
  if (owner === undefined || isAlive(owner)) return;
  const breaker = `${path}.breaking`;
  if (!tryCreate(breaker)) {
    // Its owner died with the second lock in hand, in the few system calls that it is held for.
    const second = readOwner(breaker);
    if (second !== undefined && !isAlive(second)) rmSync(breaker, { force: true });
    return;
  }
  try {
    const now = readOwner(path);
    if (now === undefined || isAlive(now)) return;
    unlinkSync(path);
    rmSync(draftOf(path, now.pid), { force: true });
  } finally {
    unlinkSync(breaker);
  }
}

/** undefined: there is no lock, or what is there was not made here. */
function readOwner(path: string): ProcessMark | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ProcessMark>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

/** Made by whoever needs it first; its safety is checked where the home folder is opened. */
export function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(path, error);
  }
}

export function unwritable(path: string, cause: unknown): KeyferryError {
  return new KeyferryError('state-unwritable', `${path} cannot be written: ${(cause as Error).message}`, { cause });
}
