/** `retry`: takes the items that failed or need attention again, in a new generation of the run. */
import type { Command } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell, wholeNumber } from './shell.ts';

interface RetryOptions {
  readonly yes: boolean;
  readonly concurrency?: number;
}

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
      shell.exitCode = await retry(shell, run, optionsOf<RetryOptions>(command));
    });
}

async function retry(shell: Shell, run: string, options: CommonOptions & RetryOptions): Promise<number> {
  const [{ continueRun }, { recordOf }, { confirm }] = await Promise.all([
    import('./continue-run.ts'),
    import('./recorded-run.ts'),
    import('./prompt.ts'),
  ]);
  const { counts } = await recordOf(options.home, run);
  const again = counts.failed + counts.needsAttention;
  if (again === 0) {
    throw new KeyferryError('run-finished', `No key of run ${run} failed or needs attention; nothing was done.`, {
      hint: counts.pending > 0 ? `Go on with the others: keyferry resume ${run}` : `See: keyferry status ${run}`,
    });
  }
  if (!options.yes) await confirm(shell.io, again === 1 ? 'Take 1 key again?' : `Take ${again} keys again?`);
  return await continueRun(shell, options, { run, mode: 'retry', concurrency: options.concurrency ?? null });
}
