/** The command line of `runs` and `runs prune`: arguments, options, help. What is done stands in actions/runs.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { PruneOptions } from './actions/runs.ts';
import { example, optionsOf, type Shell, wholeNumber } from './shell.ts';

/** Runs that prune keeps. */
const KEPT = 10;

export function registerRuns(program: Command, shell: Shell): void {
  const runs = program
    .command('runs')
    .summary('list the runs')
    .description('Lists the runs of the home folder, newest first.')
    .addHelpText('after', example('keyferry runs', 'keyferry runs prune --keep 20'))
    .action(async (_own: unknown, command: Command) => {
      const { list } = await import('./actions/runs.ts');
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
      const { prune } = await import('./actions/runs.ts');
      shell.exitCode = await prune(shell, optionsOf<PruneOptions>(command));
    });
}
