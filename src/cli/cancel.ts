/** `cancel`: ends a run for good and runs its playbook's finally. Asks the owner when another process has it. */
import type { Command } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

interface CancelOptions {
  readonly yes: boolean;
}

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
      shell.exitCode = await cancel(shell, run, optionsOf<CancelOptions>(command));
    });
}

async function cancel(shell: Shell, run: string, options: CommonOptions & CancelOptions): Promise<number> {
  const [{ continueRun }, { recordOf }, { confirm }, { isOver }] = await Promise.all([
    import('./continue-run.ts'),
    import('./recorded-run.ts'),
    import('./prompt.ts'),
    import('../report/run-record.ts'),
  ]);
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
  const [{ postToInbox }, { openHome }, { userInfo }] = await Promise.all([
    import('../journal/run-lock.ts'),
    import('../home/home.ts'),
    import('node:os'),
  ]);
  const home = await openHome(options.home);
  await postToInbox(await home.runDir(run), { kind: 'cancel', by: userInfo().username });
  const line = options.json
    ? JSON.stringify({ run, cancel: 'requested' })
    : `The process that owns run ${run} was asked to cancel it. Follow it with: keyferry status ${run} --watch`;
  await shell.io.stdout.write(`${line}\n`);
  return 0;
}
