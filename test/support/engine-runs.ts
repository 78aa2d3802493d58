/** A run planned on sound devices and carried out on devices that a test has bent, and what was there before. */
import type { PlanItem } from '../../src/plan/model.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { mainPlaybook, planOf, type RunOptions, runPlan } from './engine-harness.ts';
import { type CountedDevices, type ModuleOptions, openModules } from './engine-modules.ts';
import { keysOn, newSite, openDevices, type Role, type SeenKey, type Site } from './engine-site.ts';

export type Modules = Partial<Record<Role, ModuleOptions>>;

export interface BentRun {
  readonly site: Site;
  readonly before: readonly SeenKey[];
  readonly result: RunResult;
  readonly devices: CountedDevices;
}

export interface BentRunOptions extends Omit<RunOptions, 'devices' | 'opened'> {
  /** Default: a new one with three keys. */
  readonly site?: Site;
}

export async function runOn(modules: Modules, options: BentRunOptions = {}): Promise<BentRun> {
  const site = options.site ?? (await newSite({ count: 3 }));
  const before = keysOn(site, 'classic');
  const playbook: Playbook = options.playbook ?? mainPlaybook();
  const sound = await openDevices(site);
  const plan = await planOf(site, sound, playbook);
  await sound.close();
  const devices = await openModules(site, modules);
  try {
    return { site, before, devices, result: await runPlan(site, plan, { ...options, playbook, opened: devices }) };
  } finally {
    await devices.close();
    await plan.dispose();
  }
}

/** What a plan made on bent devices says. */
export async function plannedOn(
  site: Site,
  modules: Modules,
  playbook = mainPlaybook(),
): Promise<{ readonly blocks: readonly string[]; readonly items: readonly PlanItem[] }> {
  const devices = await openModules(site, modules);
  const plan = await planOf(site, devices, playbook);
  try {
    const items: PlanItem[] = [];
    for await (const item of plan.items()) items.push(item);
    return { blocks: plan.head.blocks, items };
  } finally {
    await devices.close();
    await plan.dispose();
  }
}
