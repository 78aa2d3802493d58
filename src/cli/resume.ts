/** `resume`: goes on with a run that was interrupted, paused or killed. */
import type { Command } from 'commander';
import { type CommonOptions, example, optionsOf, type Shell, wholeNumber } from './shell.ts';

interface ResumeCommandOptions {
  readonly concurrency?: number;
}

export function registerResume(program: Command, shell: Shell): void {
  program
    .command('resume')
    .summary('go on with a run that was interrupted, paused or killed')
    .description(
      'Goes on with a run that was interrupted, paused or killed. What was in flight is settled with the device first; no key is moved twice.',
    )
    .argument('[RUN]', 'the run; by default the latest unfinished one')
    .option('--concurrency <N>', "keys in work at once, instead of the playbook's", wholeNumber)
    .addHelpText('after', example('keyferry resume', 'keyferry resume 20261122-101530-ab12cd'))
    .action(async (run: string | undefined, _own: unknown, command: Command) => {
      shell.exitCode = await resume(shell, run, optionsOf<ResumeCommandOptions>(command));
    });
}

async function resume(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & ResumeCommandOptions,
): Promise<number> {
  const [{ continueRun }, { latestUnfinished }] = await Promise.all([
    import('./continue-run.ts'),
    import('./recorded-run.ts'),
  ]);
  const say = (text: string): Promise<void> => (options.json ? Promise.resolve() : shell.io.stderr.write(`${text}\n`));
  const run = named ?? (await latestUnfinished(options.home, say));
  if (named === undefined) await say(`Resuming run ${run}, the latest unfinished one.`);
  return await continueRun(shell, options, { run, mode: 'resume', concurrency: options.concurrency ?? null });
}
