/** `plan`: the dry run. Reads the devices, shows what would happen to every key and why, changes nothing. */
import { openHome } from '../../home/home.ts';
import { makePlan } from '../../plan/make-plan.ts';
import type { PlanHead, PlanSource } from '../../plan/model.ts';
import { readPlanFile, writePlanFile } from '../../plan/plan-file.ts';
import type { BoundPlaybook } from '../bound-playbook.ts';
import { bindPlaybook, readPlaybook } from '../bound-playbook.ts';
import { packageVersion } from '../package-files.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { planningDisplay } from '../terminal/planning-display.ts';
import { planView } from '../views/plan-view.ts';

export interface PlanOptions {
  readonly out?: string;
  readonly force: boolean;
  readonly fingerprint: boolean;
  readonly items: boolean;
  /** Of `run --dry-run`; absent: the playbook's. */
  readonly concurrency?: number;
}

export const isBlocked = (head: PlanHead): boolean => head.summary.block > 0 || head.blocks.length > 0;

/** Plans a bound playbook; items are spooled in the home folder. Dispose the source when done with it. */
export async function planFor(
  shell: Shell,
  bound: BoundPlaybook,
  options: { readonly home: string; readonly fingerprint: boolean; readonly json: boolean },
): Promise<PlanSource> {
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
  const bound = await bindPlaybook(shell, await readPlaybook(file), {
    options,
    concurrency: options.concurrency ?? null,
    secrets: 'unused',
  });
  try {
    const plan = await planFor(shell, bound, options);
    const release = shell.interrupts.onInterrupt(() => plan.dispose());
    try {
      const screen = createScreen(shell.io);
      if (options.out !== undefined) {
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

export async function showPlan(
  shell: Shell,
  file: string,
  options: CommonOptions & Pick<PlanOptions, 'items'>,
): Promise<number> {
  const plan = await readPlanFile(file);
  try {
    await planView(createScreen(shell.io), { isJson: options.json, allItems: options.items }).show(plan);
    return isBlocked(plan.head) ? 3 : 0;
  } finally {
    await plan.dispose();
  }
}
