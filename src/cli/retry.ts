/** The command line of `retry`: arguments, options, help. What is done stands in actions/retry.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { RetryOptions } from './actions/retry.ts';
import { example, optionsOf, type Shell, wholeNumber } from './shell.ts';

export function registerRetry(program: Command, shell: Shell): void {
  program
    .command('retry')
    .summary('take the failed keys of a run again')
    .description(
      'Takes the keys that failed or need attention again. Prepare runs anew; keys that arrived are left alone.',
    )
    .argument('<RUN>', 'the run')
    .option('-y, --yes', 'do not ask', false)
    .option('--concurrency <N>', "keys in work at once, instead of the playbook's", wholeNumber)
    .addHelpText(
      'after',
      example('keyferry status 20261122-101530-ab12cd --items', 'keyferry retry 20261122-101530-ab12cd'),
    )
    .action(async (run: string, _own: unknown, command: Command) => {
      const { retry } = await import('./actions/retry.ts');
      shell.exitCode = await retry(shell, run, optionsOf<RetryOptions>(command));
    });
}
