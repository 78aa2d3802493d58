/** The command line of `resume`: arguments, options, help. What is done stands in actions/resume.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { ResumeCommandOptions } from './actions/resume.ts';
import { example, optionsOf, type Shell, wholeNumber } from './shell.ts';

export function registerResume(program: Command, shell: Shell): void {
  program
    .command('resume')
    .summary('go on with a run that was interrupted, paused or killed')
    .description(
      'Goes on with a run that was interrupted, paused or killed. What was in flight is settled with the device first; no key is moved twice.',
    )
    .argument('[RUN]', 'the run; by default the latest unfinished one')
    .option('--concurrency <N>', "keys in work at once, instead of the playbook's", wholeNumber)
    .option('--wait', 'where an approval is missing, stay until it comes', false)
    .addHelpText('after', example('keyferry resume', 'keyferry resume 20261122-101530-ab12cd'))
    .action(async (run: string | undefined, _own: unknown, command: Command) => {
      const { resume } = await import('./actions/resume.ts');
      shell.exitCode = await resume(shell, run, optionsOf<ResumeCommandOptions>(command));
    });
}
