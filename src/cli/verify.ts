/** `verify`: compares source and target of every migrated key again, now. */
import type { Command } from 'commander';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

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
      shell.exitCode = await verify(shell, run, optionsOf(command));
    });
}

async function verify(shell: Shell, named: string | undefined, options: CommonOptions): Promise<number> {
  const [
    { bindPlaybook, pinnedPlaybook },
    { namedOrLatest, readRun },
    { checkPlanDevices },
    { verifyRun },
    { readRunRecord },
    { verifyView },
    { createScreen },
  ] = await Promise.all([
    import('./bound-playbook.ts'),
    import('./recorded-run.ts'),
    import('../plan/plan-devices.ts'),
    import('../workflows/verify-run.ts'),
    import('../report/run-record.ts'),
    import('./views/verify-view.ts'),
    import('./screen.ts'),
  ]);
  const run = await namedOrLatest(options.home, named);
  return await readRun(options.home, run, async (journal) => {
    const { plan } = readRunRecord(journal);
    const bound = await bindPlaybook(shell, await pinnedPlaybook(plan), { options, concurrency: null, plan });
    try {
      checkPlanDevices(plan, bound.devices);
      const view = verifyView(createScreen(shell.io), options.json);
      const { different } = await view.show(
        run,
        verifyRun({ journal, playbook: bound.playbook, devices: bound.devices }),
      );
      return different === 0 ? 0 : 5;
    } finally {
      await bound.close();
    }
  });
}
