/** `runs`: the runs of the home folder; `runs prune` deletes the journals of those that are over. */
import { rm } from 'node:fs/promises';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { openHome } from '../../home/home.ts';
import { isOver } from '../../report/run-record.ts';
import { confirm } from '../prompt.ts';
import { recordOf, runsIn } from '../recorded-run.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import type { ListedRun } from '../views/runs-view.ts';
import { runsView } from '../views/runs-view.ts';

export interface PruneOptions {
  readonly keep: number;
  readonly yes: boolean;
}

async function listedRuns(home: string): Promise<readonly ListedRun[]> {
  const listed: ListedRun[] = [];
  for (const run of await runsIn(home)) {
    try {
      listed.push({ run, record: await recordOf(home, run), error: null });
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      listed.push({ run, record: null, error });
    }
  }
  return listed;
}

export async function list(shell: Shell, options: CommonOptions): Promise<number> {
  await runsView(createScreen(shell.io), options.json).show(await listedRuns(options.home));
  return 0;
}

export async function prune(shell: Shell, options: CommonOptions & PruneOptions): Promise<number> {
  const home = await openHome(options.home);
  const over = (await listedRuns(options.home)).filter(
    ({ record }) =>
      record !== null &&
      isOver(record.state) &&
      record.counts.failed + record.counts.needsAttention + record.counts.pending === 0,
  );
  const old = over.slice(options.keep).map(({ run }) => run);
  if (old.length > 0 && !options.yes) await confirm(shell.io, `Delete the records of ${old.length} runs?`);
  for (const run of old) await rm(await home.runDir(run), { recursive: true, force: true });
  await runsView(createScreen(shell.io), options.json).pruned(old);
  return 0;
}
