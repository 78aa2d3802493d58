/** `plan`: the dry run. Reads the devices, shows what would happen to every key and why, changes nothing. */
import type { Command } from 'commander';
import type { PlanHead, PlanSource } from '../plan/model.ts';
import type { BoundPlaybook } from './bound-playbook.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

export interface PlanOptions {
  readonly out?: string;
  readonly force: boolean;
  readonly fingerprint: boolean;
  readonly items: boolean;
}

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
      shell.exitCode = await showPlan(shell, file, optionsOf<Pick<PlanOptions, 'items'>>(command));
    });
}

export const isBlocked = (head: PlanHead): boolean => head.summary.block > 0 || head.blocks.length > 0;

/** Plans a bound playbook; items are spooled in the home folder. Dispose the source when done with it. */
export async function planFor(
  shell: Shell,
  bound: BoundPlaybook,
  options: { readonly home: string; readonly fingerprint: boolean; readonly json: boolean },
): Promise<PlanSource> {
  const [{ makePlan }, { openHome }, { packageVersion }, { planningDisplay }] = await Promise.all([
    import('../plan/make-plan.ts'),
    import('../home/home.ts'),
    import('./package-files.ts'),
    import('./terminal/planning-display.ts'),
  ]);
  const home = await openHome(options.home);
  const display = await planningDisplay(shell.io, options.json);
  try {
    return await makePlan({
      playbook: bound.playbook,
      inputs: bound.inputs,
      devices: bound.devices,
      approvers: bound.approvers,
      fingerprint: options.fingerprint,
      version: packageVersion(),
      spoolDir: home.path,
      onProgress: (planned) => display.show(planned),
    });
  } finally {
    display.stop();
  }
}

export async function runPlan(shell: Shell, file: string, options: CommonOptions & PlanOptions): Promise<number> {
  const [{ bindPlaybook, readPlaybook }, { planView }, { createScreen }] = await Promise.all([
    import('./bound-playbook.ts'),
    import('./views/plan-view.ts'),
    import('./screen.ts'),
  ]);
  const bound = await bindPlaybook(shell, await readPlaybook(file), { options, concurrency: null });
  try {
    const plan = await planFor(shell, bound, options);
    const release = shell.interrupts.onInterrupt(() => plan.dispose());
    try {
      const screen = createScreen(shell.io);
      if (options.out !== undefined) {
        const { writePlanFile } = await import('../plan/plan-file.ts');
        await writePlanFile(options.out, plan, { force: options.force });
      }
      await planView(screen, { isJson: options.json, allItems: options.items }).show(plan);
      if (options.out !== undefined && !options.json)
        await screen.note(`Plan written to ${options.out}. Run it with: keyferry run ${options.out}`);
      return isBlocked(plan.head) ? 3 : 0;
    } finally {
      release();
      await plan.dispose();
    }
  } finally {
    await bound.close();
  }
}

async function showPlan(
  shell: Shell,
  file: string,
  options: CommonOptions & Pick<PlanOptions, 'items'>,
): Promise<number> {
  const [{ readPlanFile }, { planView }, { createScreen }] = await Promise.all([
    import('../plan/plan-file.ts'),
    import('./views/plan-view.ts'),
    import('./screen.ts'),
  ]);
  const plan = await readPlanFile(file);
  try {
    await planView(createScreen(shell.io), { isJson: options.json, allItems: options.items }).show(plan);
    return isBlocked(plan.head) ? 3 : 0;
  } finally {
    await plan.dispose();
  }
}
