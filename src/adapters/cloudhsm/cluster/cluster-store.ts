/**
 * Keeps the cluster's record: in memory, or in `cluster.json` of the state folder, written aside and renamed under a lock, so that other
 * processes see every change whole and a kill leaves the old or the new one. Not synced to the disk: it is a simulator's.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { withFileLockSync } from '../../processes/file-lock.ts';
import type { ClusterRecord } from './cluster-record.ts';

export const CLUSTER_FILE = 'cluster.json';

const LOCK_WAIT_MS = 10_000;
/** How stale the view of other processes' changes may be for calls that come thousands of times a second. */
const STALE_MS = 5;
/** A file changed so recently may change again without its time telling: times have the kernel's tick. */
const RACY_MS = 50;

export class ClusterStore {
  readonly #path: string | null;
  #record: ClusterRecord;
  #stamp = '';
  #freshUntil = 0;

  /** Throws KeyferryError `simulator-state` when the file is damaged, `device-busy`, `state-unwritable`. */
  constructor(stateDir: string | null, born: () => ClusterRecord) {
    this.#path = stateDir === null ? null : join(stateDir, CLUSTER_FILE);
    this.#record = this.#path === null ? born() : this.#locked(() => this.#load() ?? this.#write(born()));
  }

  /** At most some milliseconds old. The same object as long as nothing changed. Not to be written to. */
  read(): ClusterRecord {
    return performance.now() < this.#freshUntil ? this.#record : this.fresh();
  }

  /** As it is now. Not to be written to. */
  fresh(): ClusterRecord {
    if (this.#path !== null && this.#stampNow() !== this.#stamp) this.#record = this.#load() ?? this.#missing();
    this.#freshUntil = performance.now() + STALE_MS;
    return this.#record;
  }

  /** One change, whole or not at all: when `act` throws, nothing has changed. */
  change<T>(act: (record: ClusterRecord) => T): T {
    return this.#locked(() => {
      const draft = this.#path === null ? structuredClone(this.#record) : (this.#load() ?? this.#missing());
      const result = act(draft);
      this.#record = this.#path === null ? draft : this.#write(draft);
      return result;
    });
  }

  #locked<T>(work: () => T): T {
    if (this.#path === null) return work();
    const lock = { path: `${this.#path}.lock`, waitMs: LOCK_WAIT_MS, purpose: 'the state of a simulated cluster' };
    return withFileLockSync(lock, work);
  }

  #stampNow(): string {
    const { mtimeMs, size, ino } = statSync(this.#path ?? '', { throwIfNoEntry: false }) ?? this.#missing();
    return Math.abs(Date.now() - mtimeMs) < RACY_MS ? `recent ${performance.now()}` : `${mtimeMs} ${size} ${ino}`;
  }

  #load(): ClusterRecord | null {
    const path = this.#path ?? '';
    let text: string;
    try {
      const stamp = statSync(path, { throwIfNoEntry: false }) === undefined ? '' : this.#stampNow();
      text = readFileSync(path, 'utf8');
      this.#stamp = stamp;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    return parsed(path, text);
  }

  #write(record: ClusterRecord): ClusterRecord {
    const path = this.#path ?? '';
    try {
      // Under the lock: nobody else writes this name.
      writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw new KeyferryError('state-unwritable', `the state of the simulated cluster cannot be written: ${path}`, {
        cause,
      });
    }
    this.#stamp = '';
    this.#freshUntil = performance.now() + STALE_MS;
    return record;
  }

  #missing(): never {
    throw new KeyferryError('simulator-state', `${this.#path} of the simulated cluster is gone`);
  }
}

function parsed(path: string, text: string): ClusterRecord {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw new KeyferryError('simulator-state', `${path} of the simulated cluster is damaged`, { cause });
  }
  if (!isClusterRecord(record)) {
    throw new KeyferryError('simulator-state', `${path} is not the state of a simulated cluster of format 1`);
  }
  return record;
}

function isClusterRecord(value: unknown): value is ClusterRecord {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 1 && 'nodes' in value;
}
