/** `runs`: the runs of the home folder; `runs prune` deletes the journals of those that are over. */
import type { Command } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell, wholeNumber } from './shell.ts';
import type { ListedRun } from './views/runs-view.ts';

interface PruneOptions {
  readonly keep: number;
  readonly yes: boolean;
}

const KEPT = 10;

export function registerRuns(program: Command, shell: Shell): void {
  const runs = program
    .command('runs')
    .summary('list the runs')
    .description('Lists the runs of the home folder, newest first.')
    .addHelpText('after', example('keyferry runs', 'keyferry runs prune --keep 20'))
    .action(async (_own: unknown, command: Command) => {
      shell.exitCode = await list(shell, optionsOf(command));
    });
  runs
    .command('prune')
    .summary('delete the records of old runs that are over')
    .description(
      'Deletes the journals of runs that are over, but for the newest ones. Unfinished runs and runs with failed keys stay. No device is touched.',
    )
    .option('--keep <N>', 'how many of them to keep', wholeNumber, KEPT)
    .option('-y, --yes', 'do not ask', false)
    .addHelpText('after', example('keyferry runs prune --keep 20'))
    .action(async (_own: unknown, command: Command) => {
      shell.exitCode = await prune(shell, optionsOf<PruneOptions>(command));
    });
}

async function listedRuns(home: string): Promise<readonly ListedRun[]> {
  const { recordOf, runsIn } = await import('./recorded-run.ts');
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

async function list(shell: Shell, options: CommonOptions): Promise<number> {
  const [{ runsView }, { createScreen }] = await Promise.all([import('./views/runs-view.ts'), import('./screen.ts')]);
  await runsView(createScreen(shell.io), options.json).show(await listedRuns(options.home));
  return 0;
}

async function prune(shell: Shell, options: CommonOptions & PruneOptions): Promise<number> {
  const [{ openHome }, { confirm }, { isOver }, { runsView }, { createScreen }, { rm }] = await Promise.all([
    import('../home/home.ts'),
    import('./prompt.ts'),
    import('../report/run-record.ts'),
    import('./views/runs-view.ts'),
    import('./screen.ts'),
    import('node:fs/promises'),
  ]);
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
