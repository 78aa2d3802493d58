/**
 * The files that `init` and `demo` write: copies of the package's own playbook and devices file, so that what a newcomer runs first is
 * what the tests run. Which files, and what keys the demo makes, is data: playbooks/starter.json.
 */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FillRequest } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { packagedPlaybook } from './package-files.ts';

export interface Starter {
  /** File names in the package's playbooks folder. */
  readonly playbook: string;
  readonly devices: string;
  /** Device that the demo fills, and with what. */
  readonly source: string;
  readonly target: string;
  readonly fill: readonly FillRequest[];
  /** Keys of others on the target, which must stay untouched. */
  readonly foreign: readonly FillRequest[];
}

export interface StarterFiles {
  /** Names in the folder. */
  readonly playbook: string;
  readonly written: readonly string[];
}

export async function readStarter(): Promise<Starter> {
  return JSON.parse(await readFile(packagedPlaybook('starter.json'), 'utf8')) as Starter;
}

const DEVICES_FILE = 'devices.yaml';

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Makes the folder where it is missing. Rejects with `usage` when a file is there already; then nothing is written. */
export async function writeStarter(dir: string): Promise<StarterFiles> {
  const starter = await readStarter();
  const files: readonly (readonly [string, string])[] = [
    [DEVICES_FILE, starter.devices],
    [starter.playbook, starter.playbook],
  ];
  try {
    for (const [name] of files) {
      if (!(await exists(join(dir, name)))) continue;
      throw new KeyferryError('usage', `${join(dir, name)} is there already; nothing was written.`, {
        hint: 'Name another folder: keyferry init DIR',
      });
    }
    await mkdir(dir, { recursive: true, mode: 0o755 });
    for (const [name, packaged] of files) {
      const path = join(dir, name);
      await writeFile(path, await readFile(packagedPlaybook(packaged)), { flag: 'wx', mode: 0o644 });
      // Whatever the umask: a file that others can write is refused when it is read.
      await chmod(path, 0o644);
    }
  } catch (error) {
    if (error instanceof KeyferryError) throw error;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new KeyferryError('file-unreadable', `The starter files could not be written to ${dir} (${reason}).`, {
      cause: error,
    });
  }
  return { playbook: starter.playbook, written: files.map(([name]) => name) };
}

/** `base`, or the first of `base-2`, `base-3`, … that is not there yet. */
export async function freshFolder(base: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const folder = number === 1 ? base : `${base}-${number}`;
    if (!(await exists(folder))) return folder;
  }
}
