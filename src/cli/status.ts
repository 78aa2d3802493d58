/** `status`: where a run stands. Only reads: another process may be at work on the run. */
import type { Command } from 'commander';
import type { RunRecord } from '../report/run-record.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';
import type { StatusView } from './views/status-view.ts';

interface StatusOptions {
  readonly items: boolean;
  readonly watch: boolean;
}

/** Between two looks at the journal. */
const WATCH_MS = 500;

export function registerStatus(program: Command, shell: Shell): void {
  program
    .command('status')
    .summary('where a run stands, in sum and per key')
    .description(
      'Shows where a run stands: its phase, how many keys arrived, what failed and why, what it still holds on the devices.',
    )
    .argument('[RUN]', 'the run; by default the latest one')
    .option('--items', 'list every key; with --json one line each', false)
    .option('--watch', 'follow the run until it stops', false)
    .addHelpText(
      'after',
      example('keyferry status', 'keyferry status 20261122-101530-ab12cd --items', 'keyferry status --watch'),
    )
    .action(async (run: string | undefined, _own: unknown, command: Command) => {
      shell.exitCode = await status(shell, run, optionsOf<StatusOptions>(command));
    });
}

async function status(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & StatusOptions,
): Promise<number> {
  const [{ namedOrLatest, readRun }, { statusView }, { createScreen }, { readRunRecord }] = await Promise.all([
    import('./recorded-run.ts'),
    import('./views/status-view.ts'),
    import('./screen.ts'),
    import('../report/run-record.ts'),
  ]);
  const run = await namedOrLatest(options.home, named);
  const view = statusView(createScreen(shell.io), options.json);
  if (options.watch) await watch(shell, run, { options, view });
  await readRun(options.home, run, async (journal) => {
    if (options.items) await view.items(journal.items());
    await view.summary(readRunRecord(journal), options.items ? null : journal);
  });
  return 0;
}

/** Until the run is over, or nobody works on it any more. */
async function watch(
  shell: Shell,
  run: string,
  { options, view }: { readonly options: CommonOptions; readonly view: StatusView },
): Promise<void> {
  const [{ recordOf }, { isOver }, { setTimeout: wait }, { progressDisplay }] = await Promise.all([
    import('./recorded-run.ts'),
    import('../report/run-record.ts'),
    import('node:timers/promises'),
    import('./terminal/progress-display.ts'),
  ]);
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
