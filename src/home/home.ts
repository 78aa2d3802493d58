/**
 * The home folder (./.keyferry unless --home): one folder per run under runs/, each with its journal, lock and inbox. Private to its
 * owner, and refused when others could change what is in it: a run trusts its journal.
 */
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { fileError } from './file-error.ts';
import { assertLocalDisk, type Statfs } from './local-disk.ts';
import { createPrivateFolder, pathExists, syncFolder } from './private-file.ts';
import { isRunId, nearestRunId } from './run-id.ts';
import { assertTrustedFolder, type Identity } from './trusted-folder.ts';

const RUNS = 'runs';
/** What makes a folder a run: it is put there whole (journal/sqlite/create-journal.ts). */
const JOURNAL = 'journal.db';

export interface Home {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Makes the folder of a new run and gives its path. */
  createRun(run: string): Promise<string>;
  /** Runs that have a journal, oldest first. */
  listRuns(): Promise<readonly string[]>;
  /** Null when there is none. */
  latestRun(): Promise<string | null>;
  /** Path of the run's folder. Rejects with `run-unknown`, naming the run that was probably meant. */
  runDir(run: string): Promise<string>;
}

export interface HomeOptions {
  readonly statfs?: Statfs;
  readonly identity?: Identity;
}

/** Makes the folder when there is none. Rejects with `state-unsafe`, `state-network`, `state-unwritable`, `disk-full`. */
export async function openHome(path: string, options: HomeOptions = {}): Promise<Home> {
  const what = `The home folder ${path} cannot be used`;
  try {
    const home = await makeHome(resolve(path));
    await assertTrustedFolder(home, options.identity);
    await assertLocalDisk(home, options.statfs);
    const runs = join(home, RUNS);
    await makeFolder(runs);
    await assertTrustedFolder(runs, options.identity);
    return new HomeFolder(home, runs);
  } catch (error) {
    throw fileError(error, what);
  }
}

async function makeHome(path: string): Promise<string> {
  await makeFolders(dirname(path));
  await makeFolder(path);
  return realpath(path);
}

/** Not by `recursive`: where the file system says ENOENT for another reason (/proc), Node tries for ever (measured on 20.20). */
async function makeFolders(path: string): Promise<void> {
  if (await pathExists(path)) return;
  await makeFolders(dirname(path));
  await makeFolder(path);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await createPrivateFolder(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

class HomeFolder implements Home {
  readonly path: string;
  readonly #runs: string;

  constructor(path: string, runs: string) {
    this.path = path;
    this.#runs = runs;
  }

  async createRun(run: string): Promise<string> {
    if (!isRunId(run)) throw new Error(`not a name for a run: ${JSON.stringify(run)}`);
    const dir = join(this.#runs, run);
    try {
      await createPrivateFolder(dir);
      await syncFolder(this.#runs);
    } catch (error) {
      throw fileError(error, `The folder of run ${run} could not be made`);
    }
    return dir;
  }

  async listRuns(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.#runs, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isDirectory() && isRunId(entry.name)).map((entry) => entry.name);
      const hasJournal = await Promise.all(names.map((name) => pathExists(join(this.#runs, name, JOURNAL))));
      return names.filter((_, index) => hasJournal[index]).sort();
    } catch (error) {
      throw fileError(error, `The runs in ${this.path} could not be listed`);
    }
  }

  async latestRun(): Promise<string | null> {
    return (await this.listRuns()).at(-1) ?? null;
  }

  async runDir(run: string): Promise<string> {
    const dir = join(this.#runs, run);
    if (isRunId(run) && (await pathExists(dir))) return dir;
    const nearest = nearestRunId(run, await this.listRuns());
    throw new KeyferryError(
      'run-unknown',
      `There is no run ${JSON.stringify(run)} in ${this.path}.`,
      nearest === undefined ? {} : { hint: `Did you mean ${nearest}? List the runs with: keyferry runs` },
    );
  }
}
