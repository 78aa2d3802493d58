/** Finds a run in the home folder and opens its journal to read. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { openHome } from '../home/home.ts';
import type { Journal } from '../journal/journal.ts';
import { openJournal } from '../journal/sqlite/sqlite-journal.ts';
import { isOver, type RunRecord, readRunRecord } from '../report/run-record.ts';

/** Reads the run's journal through `use` and closes it. Rejects with `run-unknown` and `journal-…`. */
export async function readRun<T>(home: string, run: string, use: (journal: Journal) => Promise<T>): Promise<T> {
  const opened = await openHome(home);
  const journal = await openJournal({ dir: await opened.runDir(run), run, readOnly: true });
  try {
    return await use(journal);
  } finally {
    await journal.close();
  }
}

export const recordOf = (home: string, run: string): Promise<RunRecord> =>
  readRun(home, run, async (journal) => readRunRecord(journal));

/** Newest first. */
export async function runsIn(home: string): Promise<readonly string[]> {
  const runs = await (await openHome(home)).listRuns();
  return [...runs].sort().reverse();
}

/** The named run, else the latest one. Rejects with `run-unknown`. */
export async function namedOrLatest(home: string, run: string | undefined): Promise<string> {
  if (run !== undefined) return run;
  const [latest] = await runsIn(home);
  if (latest !== undefined) return latest;
  throw new KeyferryError('run-unknown', `There is no run in ${home} yet.`, {
    hint: 'Start one with: keyferry run PLAYBOOK',
  });
}

/** The latest run that is not over. Rejects with `run-unknown`. A run that cannot be read is passed over with a word about it. */
export async function latestUnfinished(home: string, say: (text: string) => Promise<void>): Promise<string> {
  for (const run of await runsIn(home)) {
    try {
      if (!isOver((await recordOf(home, run)).state)) return run;
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      await say(`Run ${run} cannot be read (${error.code}) and was passed over.`);
    }
  }
  throw new KeyferryError('run-unknown', `No run in ${home} is unfinished.`);
}
