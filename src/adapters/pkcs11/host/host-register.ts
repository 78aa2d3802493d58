/**
 * Which device hosts belong to a home folder. When the engine is killed its hosts die within a moment, but a run may be resumed within
 * the same moment: so before a host is opened, those whose engine is gone are ended and waited for. A call still under way in one of them
 * would otherwise act after the new process has looked at the device.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { ensureFolder, unwritable } from '../../processes/file-lock.ts';
import { isAlive, markOf, type ProcessMark } from '../../processes/process-mark.ts';

interface HostEntry {
  readonly host: ProcessMark;
  readonly engine: ProcessMark;
}

const ORPHAN_WAIT_MS = 5_000;
const POLL_MS = 10;

const folderOf = (home: string): string => join(home, 'device-hosts');
const entryPath = (home: string, pid: number): string => join(folderOf(home), `${pid}.json`);

/** Call before the host is told to open anything. */
export function registerHost(home: string, pid: number): void {
  const entry: HostEntry = { host: markOf(pid), engine: markOf(process.pid) };
  ensureFolder(folderOf(home));
  try {
    writeFileSync(entryPath(home, pid), JSON.stringify(entry), { mode: 0o600 });
  } catch (error) {
    throw unwritable(entryPath(home, pid), error);
  }
}

export function unregisterHost(home: string, pid: number): void {
  rmSync(entryPath(home, pid), { force: true });
}

/** @throws KeyferryError `device-busy` when a host without an engine cannot be ended. */
export async function endOrphanedHosts(home: string, device: string): Promise<void> {
  for (const [path, entry] of entriesOf(home)) {
    if (isAlive(entry.host)) {
      if (isAlive(entry.engine)) continue;
      await end(entry.host, device);
    }
    rmSync(path, { force: true });
  }
}

function entriesOf(home: string): (readonly [path: string, entry: HostEntry])[] {
  return list(folderOf(home)).flatMap((name) => {
    const path = join(folderOf(home), name);
    const entry = readEntry(path);
    return entry === undefined ? [] : [[path, entry] as const];
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new KeyferryError('file-unreadable', `${folder} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** undefined for one that another process removed, or has only begun to write: its host has nothing open. */
function readEntry(path: string): HostEntry | undefined {
  try {
    const { host, engine } = JSON.parse(readFileSync(path, 'utf8')) as Partial<HostEntry>;
    return host === undefined || engine === undefined ? undefined : { host, engine };
  } catch {
    return undefined;
  }
}

async function end(host: ProcessMark, device: string): Promise<void> {
  try {
    process.kill(host.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  const deadline = performance.now() + ORPHAN_WAIT_MS;
  while (isAlive(host)) {
    if (performance.now() > deadline) {
      throw new KeyferryError(
        'device-busy',
        `Device ${device}: process ${host.pid} of an earlier run is stuck in its module and cannot be ended`,
        {
          device,
          scope: 'run',
          hint: `See what holds process ${host.pid}; the device must not be used by two runs at once.`,
        },
      );
    }
    await sleep(POLL_MS);
  }
}
