/** The command line of `verify`: arguments, options, help. What is done stands in actions/verify.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerVerify(program: Command, shell: Shell): void {
  program
    .command('verify')
    .summary('compare source and target again, now')
    .description(
      'Compares every key that a run migrated with its source again, and reads its attributes back. Changes nothing. Exit code 5 when one differs.',
    )
    .argument('[RUN]', 'the run; by default the latest one')
    .addHelpText('after', example('keyferry verify 20261122-101530-ab12cd'))
    .action(async (run: string | undefined, _own: unknown, command: Command) => {
      const { verify } = await import('./actions/verify.ts');
      shell.exitCode = await verify(shell, run, optionsOf(command));
    });
}
