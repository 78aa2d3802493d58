/** `status`: where a run stands. Only reads: another process may be at work on the run. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RunRecord } from '../../report/run-record.ts';
import { isOver, readRunRecord } from '../../report/run-record.ts';
import { currentApprovals, readApprovals } from '../../workflows/approval-records.ts';
import { namedOrLatest, readRun, recordOf } from '../recorded-run.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { progressDisplay } from '../terminal/progress-display.ts';
import type { StatusView } from '../views/status-view.ts';
import { statusView } from '../views/status-view.ts';

export interface StatusOptions {
  readonly items: boolean;
  readonly watch: boolean;
}

/** Between two looks at the journal. */
const WATCH_MS = 500;

export async function status(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & StatusOptions,
): Promise<number> {
  const run = await namedOrLatest(options.home, named);
  const view = statusView(createScreen(shell.io, options.carried), options.json);
  if (options.watch) await watch(shell, run, { options, view });
  await readRun(options.home, run, async (journal) => {
    if (options.items) await view.items(journal.items());
    await view.summary(readRunRecord(journal), {
      approvals: currentApprovals(readApprovals(journal, Date.now())),
      failures: options.items ? null : journal,
    });
  });
  return 0;
}

/** Until the run is over, or nobody works on it any more. */
async function watch(
  shell: Shell,
  run: string,
  { options, view }: { readonly options: CommonOptions; readonly view: StatusView },
): Promise<void> {
  const display = await progressDisplay(shell.io, options.json);
  try {
    let last = '';
    for (;;) {
      const record: RunRecord = await recordOf(options.home, run);
      const seen = JSON.stringify([record.state, record.counts]);
      if (seen !== last) await view.changed(record, display);
      last = seen;
      if (isOver(record.state) || !record.isOwned) return;
      await wait(WATCH_MS);
    }
  } finally {
    display.stop();
  }
}
