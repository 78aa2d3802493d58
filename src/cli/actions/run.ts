/** `run`: plan, show, ask, run. Takes a playbook, or a plan file that was reviewed before. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { openRunStore } from '../../journal/sqlite/sqlite-run-store.ts';
import type { PlanHead, PlanSource } from '../../plan/model.ts';
import { checkPlanDevices, compareInventory } from '../../plan/plan-devices.ts';
import { readPlanFile } from '../../plan/plan-file.ts';
import type { RunResult } from '../../workflows/engine.ts';
import { startRun } from '../../workflows/start-run.ts';
import type { BoundPlaybook } from '../bound-playbook.ts';
import { bindPlaybook, pinnedPlaybook, readPlaybook } from '../bound-playbook.ts';
import type { CarryOutOptions } from '../carry-out.ts';
import { carryOut } from '../carry-out.ts';
import { packageVersion } from '../package-files.ts';
import { isPlanFile } from '../plan-file-or-playbook.ts';
import { confirm } from '../prompt.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { visible } from '../terminal/display-width.ts';
import { planView } from '../views/plan-view.ts';
import { isBlocked, planFor, runPlan } from './plan.ts';

export interface RunOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly allowPlaintext: boolean;
  readonly skipBlocked: boolean;
  readonly concurrency?: number;
  readonly wait: boolean;
  readonly expectDigest?: string;
  readonly fingerprint: boolean;
  readonly items: boolean;
  readonly out?: string;
  readonly force: boolean;
}

export async function run(shell: Shell, file: string, options: CommonOptions & RunOptions): Promise<number> {
  const hasPlan = await isPlanFile(file);
  if (options.out !== undefined && !options.dryRun) {
    throw new KeyferryError('usage', '--out belongs to plan and to run --dry-run.', {
      hint: 'Write the plan first: keyferry plan PLAYBOOK --out FILE',
    });
  }
  if (options.dryRun && !hasPlan) return await runPlan(shell, file, options);
  return hasPlan ? await runPlanFile(shell, file, options) : await runPlaybook(shell, file, options);
}

async function runPlaybook(shell: Shell, file: string, options: CommonOptions & RunOptions): Promise<number> {
  const bound = await bindPlaybook(shell, await readPlaybook(file), {
    options,
    concurrency: options.concurrency ?? null,
  });
  try {
    const plan = await planFor(shell, bound, options);
    return await checkedRun(shell, { bound, plan, stale: new Map(), appeared: [] }, options);
  } finally {
    await bound.close();
  }
}

async function runPlanFile(shell: Shell, file: string, options: CommonOptions & RunOptions): Promise<number> {
  const plan = await readPlanFile(file);
  try {
    expectDigest(plan.head, options);
    const bind = { options, concurrency: options.concurrency ?? null, plan: plan.head };
    const bound = await bindPlaybook(shell, await pinnedPlaybook(plan.head), bind);
    try {
      checkPlanDevices(plan.head, bound.devices);
      const { stale, appeared } = await compareInventory(plan, bound.devices, { playbook: bound.playbook });
      return await checkedRun(shell, { bound, plan, stale, appeared }, options);
    } finally {
      await bound.close();
    }
  } finally {
    await plan.dispose();
  }
}

export interface ReadyRun {
  readonly bound: BoundPlaybook;
  readonly plan: PlanSource;
  readonly stale: ReadonlyMap<number, string>;
  readonly appeared: readonly string[];
}

function expectDigest(head: PlanHead, options: RunOptions): void {
  if (options.expectDigest === undefined || options.expectDigest.toLowerCase() === head.digest) return;
  throw new KeyferryError(
    'plan-digest',
    `The plan's digest is ${head.digest}, not ${options.expectDigest}; nothing was done.`,
    {
      hint: 'A plan made anew has another digest each time: give the plan file that was approved.',
    },
  );
}

/** Shows the plan, checks what the operator must have allowed, asks, runs. Disposes the plan. */
async function checkedRun(shell: Shell, ready: ReadyRun, options: CommonOptions & RunOptions): Promise<number> {
  const { plan } = ready;
  const release = shell.interrupts.onInterrupt(() => plan.dispose());
  try {
    const screen = createScreen(shell.io);
    expectDigest(plan.head, options);
    if (!options.json || options.dryRun)
      await planView(screen, { isJson: options.json, allItems: options.items }).show(plan);
    if (!options.json) {
      if (ready.stale.size > 0)
        await screen.note(
          `${ready.stale.size} planned keys have changed or gone since; they will fail, the others move.`,
        );
      for (const label of ready.appeared) await screen.note(`Appeared since the plan, not moved: ${visible(label)}`);
    }
    if (options.dryRun) return isBlocked(plan.head) ? 3 : 0;
    refuseBlocked(plan.head, options);
    if (plan.head.exposesPlaintext && !options.allowPlaintext) {
      throw new KeyferryError(
        'plaintext-not-allowed',
        'The playbook has a step that exposes key bytes in clear to this host; nothing was changed.',
      );
    }
    if (!options.yes) await confirm(shell.io, question(plan.head));
    return (await start(shell, ready, options)).exitCode;
  } finally {
    release();
    await plan.dispose();
  }
}

function question({ summary: { total, move } }: PlanHead): string {
  if (total === 0) return 'Run these steps?';
  if (move === 0) return 'No key would move. Run the other steps all the same?';
  return move === 1 ? 'Move this key?' : `Move ${move} keys?`;
}

function refuseBlocked(head: PlanHead, options: RunOptions): void {
  if (head.blocks.length > 0) {
    throw new KeyferryError(
      'plan-blocked',
      `The plan as a whole is blocked; nothing was changed: ${head.blocks.join('; ')}`,
    );
  }
  if (head.summary.block > 0 && !options.skipBlocked) {
    throw new KeyferryError(
      'plan-blocked',
      `The plan blocks ${head.summary.block} of ${head.summary.total} keys; nothing was changed.`,
      {
        hint: 'keyferry plan says why for each. Resolve them, or leave them out with --skip-blocked.',
      },
    );
  }
}

export async function start(
  shell: Shell,
  ready: ReadyRun,
  options: Pick<CommonOptions & RunOptions, 'home' | 'json' | 'carried' | 'concurrency'> &
    Partial<Pick<RunOptions, 'wait'>>,
  extra?: CarryOutOptions['extra'],
): Promise<RunResult> {
  const { bound, plan, stale } = ready;
  const store = await openRunStore(options.home);
  return await carryOut(
    shell,
    { isJson: options.json, carried: options.carried, ...(extra === undefined ? {} : { extra }) },
    (observer) =>
      startRun({
        store,
        version: packageVersion(),
        observer,
        devices: bound.devices,
        secretInputs: bound.secretInputs,
        inputs: bound.inputs,
        concurrency: options.concurrency ?? null,
        wait: options.wait ?? false,
        plan,
        playbook: bound.playbook,
        stale,
      }),
  );
}
