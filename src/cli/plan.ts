/** The command line of `plan` and `plan show`: arguments, options, help. What is done stands in actions/plan.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { PlanOptions } from './actions/plan.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerPlan(program: Command, shell: Shell): void {
  const plan = program
    .command('plan')
    .summary('show what would happen to every key, and why; changes nothing')
    .description(
      'Reads the devices and shows what a run would do to every key, and why. Changes nothing on any device.\nExit code 3 when something blocks.',
    )
    .argument('<PLAYBOOK>', 'the playbook')
    .option('-o, --out <FILE>', 'write the plan to a file, to be reviewed and run later')
    .option('--force', 'replace the file of --out if it exists', false)
    .option('--no-fingerprint', 'use no key of the devices: keys that are already there are not found')
    .option('--items', 'list every item, however many', false)
    .addHelpText(
      'after',
      example(
        'keyferry plan playbook.yaml --out friday.plan',
        'keyferry plan show friday.plan',
        'keyferry run friday.plan',
      ),
    )
    .action(async (playbook: string, _own: unknown, command: Command) => {
      const { runPlan } = await import('./actions/plan.ts');
      shell.exitCode = await runPlan(shell, playbook, optionsOf<PlanOptions>(command));
    });
  plan
    .command('show')
    .summary('show a plan file; needs no device')
    .description('Checks a plan file against its own digest and shows it. Needs no device.')
    .argument('<FILE>', 'a plan file')
    .option('--items', 'list every item, however many', false)
    .addHelpText('after', example('keyferry plan show friday.plan --items'))
    .action(async (file: string, _own: unknown, command: Command) => {
      const { showPlan } = await import('./actions/plan.ts');
      shell.exitCode = await showPlan(shell, file, optionsOf<Pick<PlanOptions, 'items'>>(command));
    });
}
