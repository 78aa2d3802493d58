/** The command line of `cancel`: arguments, options, help. What is done stands in actions/cancel.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CancelOptions } from './actions/cancel.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerCancel(program: Command, shell: Shell): void {
  program
    .command('cancel')
    .summary('end a run for good and clean up after it')
    .description(
      "Ends a run for good: keys that arrived stay, no further key is moved, and the playbook's finally deletes what the run made for itself.\n" +
        'When another process works on the run, that process is asked to do it.',
    )
    .argument('<RUN>', 'the run')
    .option('-y, --yes', 'do not ask', false)
    .addHelpText('after', example('keyferry cancel 20261122-101530-ab12cd'))
    .action(async (run: string, _own: unknown, command: Command) => {
      const { cancel } = await import('./actions/cancel.ts');
      shell.exitCode = await cancel(shell, run, optionsOf<CancelOptions>(command));
    });
}
