/** `retry`: takes the items that failed or need attention again, in a new generation of the run. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { isOver, type RunRecord, retryable } from '../../report/run-record.ts';
import { continueRun } from '../continue-run.ts';
import { confirm } from '../prompt.ts';
import { recordOf } from '../recorded-run.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface RetryOptions {
  readonly yes: boolean;
  readonly concurrency?: number;
}

export async function retry(shell: Shell, run: string, options: CommonOptions & RetryOptions): Promise<number> {
  const record = await recordOf(options.home, run);
  const again = retryable(record);
  if (again === 0) {
    throw new KeyferryError('run-finished', `No key of run ${run} failed or needs attention; nothing was done.`, {
      hint: hint(run, record),
    });
  }
  if (!options.yes) await confirm(shell.io, again === 1 ? 'Take 1 key again?' : `Take ${again} keys again?`);
  return await continueRun(shell, options, { run, mode: 'retry', concurrency: options.concurrency ?? null });
}

function hint(run: string, { state, counts }: RunRecord): string {
  if (counts.pending === 0) return `See: keyferry status ${run}`;
  return isOver(state)
    ? 'Start a new run for the others: keyferry run PLAYBOOK'
    : `Go on with the others: keyferry resume ${run}`;
}
