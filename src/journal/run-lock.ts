/**
 * One owner per run: the operating system's lock on lock.db, through an open BEGIN EXCLUSIVE. It needs no lease: a stopped process
 * (SIGSTOP) keeps it, a killed one loses it, and a restart of the machine clears it.
 *
 * POSIX drops all of a process's locks on a file when the process closes any descriptor of it
 * (https://www.sqlite.org/howtocorrupt.html §2.2), so lock.db is touched by SQLite alone once it exists.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { fileError } from '../home/file-error.ts';
import { assertLocalDisk, type Statfs } from '../home/local-disk.ts';
import { createPrivateFile } from '../home/private-file.ts';
import { openSqlite, type SqliteDatabase } from './sqlite/sqlite.ts';
import { sqliteCode, stateError } from './sqlite/sqlite-error.ts';

export { postToInbox } from './inbox.ts';

const LOCK_FILE = 'lock.db';
/** Who holds the lock, for people. The lock itself never depends on it. */
const OWNER_FILE = 'owner.json';

export interface RunOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

export interface RunLock {
  readonly owner: RunOwner;
  release(): Promise<void>;
}

/** SQLite would tell two connections of one process apart too, but not two copies of SQLite. */
const heldHere = new Set<string>();

/** `dir`: the run's folder. Rejects with `run-held` naming the holder, `state-network`, `state-unwritable`, `disk-full`. */
export async function acquireRunLock(dir: string, options: { readonly statfs?: Statfs } = {}): Promise<RunLock> {
  const path = resolve(dir);
  const what = `The lock in ${path} cannot be used`;
  await assertLocalDisk(path, options.statfs).catch((error) => Promise.reject(fileError(error, what)));
  if (heldHere.has(path)) throw await heldBy(path);
  heldHere.add(path);
  let database: SqliteDatabase | undefined;
  try {
    await createPrivateFile(join(path, LOCK_FILE));
    database = await openSqlite({ path: join(path, LOCK_FILE) });
    database.exec('BEGIN EXCLUSIVE');
    const owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    await writeOwner(path, owner);
    return lockOn(path, database, owner);
  } catch (error) {
    database?.close();
    heldHere.delete(path);
    if (sqliteCode(error) === 'SQLITE_BUSY') throw await heldBy(path);
    throw fileError(stateError(error, { what, dir: path }), what);
  }
}

function lockOn(path: string, database: SqliteDatabase, owner: RunOwner): RunLock {
  let isHeld = true;
  return {
    owner,
    release: async () => {
      if (!isHeld) return;
      isHeld = false;
      // Before the lock goes: afterwards the file may be the next owner's.
      await rm(join(path, OWNER_FILE), { force: true }).catch(() => undefined);
      database.close();
      heldHere.delete(path);
    },
  };
}

async function writeOwner(path: string, owner: RunOwner): Promise<void> {
  const next = join(path, `${OWNER_FILE}.next`);
  await writeFile(next, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  await rename(next, join(path, OWNER_FILE));
}

async function heldBy(path: string): Promise<KeyferryError> {
  const owner = await readOwner(path);
  const who = owner === null ? 'Another process' : `Process ${owner.pid} on ${owner.host}`;
  const since = owner === null ? '' : ` since ${owner.since}`;
  return new KeyferryError('run-held', `${who} owns the run in ${path}${since}. Nothing was changed.`);
}

/** Null when it cannot be read: the holder may be about to write it. */
async function readOwner(path: string): Promise<RunOwner | null> {
  try {
    const { pid, host, since } = JSON.parse(await readFile(join(path, OWNER_FILE), 'utf8'));
    if (!Number.isInteger(pid) || typeof host !== 'string' || typeof since !== 'string') return null;
    return { pid, host, since };
  } catch {
    return null;
  }
}
