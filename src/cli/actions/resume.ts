/** `resume`: goes on with a run that was interrupted, paused or killed. */
import { continueRun } from '../continue-run.ts';
import { latestUnfinished } from '../recorded-run.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface ResumeCommandOptions {
  readonly concurrency?: number;
  readonly wait: boolean;
}

export async function resume(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & ResumeCommandOptions,
): Promise<number> {
  const say = (text: string): Promise<void> => (options.json ? Promise.resolve() : shell.io.stderr.write(`${text}\n`));
  const run = named ?? (await latestUnfinished(options.home, say));
  if (named === undefined) await say(`Resuming run ${run}, the latest unfinished one.`);
  return await continueRun(shell, options, {
    run,
    mode: 'resume',
    concurrency: options.concurrency ?? null,
    wait: options.wait,
  });
}
