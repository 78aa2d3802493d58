/** `cancel`: ends a run for good and runs its playbook's finally. Asks the owner when another process has it. */
import { userInfo } from 'node:os';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { openHome } from '../../home/home.ts';
import { postToInbox } from '../../journal/run-lock.ts';
import { isOver } from '../../report/run-record.ts';
import { continueRun } from '../continue-run.ts';
import { confirm } from '../prompt.ts';
import { recordOf } from '../recorded-run.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface CancelOptions {
  readonly yes: boolean;
}

export async function cancel(shell: Shell, run: string, options: CommonOptions & CancelOptions): Promise<number> {
  const { state, counts } = await recordOf(options.home, run);
  if (isOver(state))
    throw new KeyferryError('run-finished', `Run ${run} is over (${state}); there is nothing to cancel.`);
  if (!options.yes) await confirm(shell.io, `Cancel run ${run}? ${counts.pending} keys will not be moved.`);
  try {
    return await continueRun(shell, options, { run, mode: 'cancel', concurrency: null });
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code !== 'run-held') throw error;
    return await askOwner(shell, run, options);
  }
}

async function askOwner(shell: Shell, run: string, options: CommonOptions): Promise<number> {
  const home = await openHome(options.home);
  await postToInbox(await home.runDir(run), { kind: 'cancel', by: userInfo().username });
  const line = options.json
    ? JSON.stringify({ run, cancel: 'requested' })
    : `The process that owns run ${run} was asked to cancel it. Follow it with: keyferry status ${run} --watch`;
  await shell.io.stdout.write(`${line}\n`);
  return 0;
}
