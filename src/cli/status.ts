/** The command line of `status`: arguments, options, help. What is done stands in actions/status.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { StatusOptions } from './actions/status.ts';
import { example, optionsOf, type Shell } from './shell.ts';

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
      const { status } = await import('./actions/status.ts');
      shell.exitCode = await status(shell, run, optionsOf<StatusOptions>(command));
    });
}
