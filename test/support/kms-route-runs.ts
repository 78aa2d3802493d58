/** Runs of the KMS playbooks over a site, each in a new process as far as keyferry can tell. */
import type { Playbook } from '../../src/playbook/model.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { planOf, type RunOptions, resume, runPlan } from './engine-harness.ts';
import { type AccountOptions, type KmsSite, kmsPlaybook, openKmsRoute } from './kms-route-site.ts';

export interface KmsRunOptions extends Omit<RunOptions, 'devices' | 'opened' | 'playbook'> {
  readonly playbook?: Playbook;
  readonly account?: AccountOptions;
}

/** Plans on sound devices, runs on these. */
export async function runKmsRoute(site: KmsSite, options: KmsRunOptions = {}): Promise<RunResult> {
  const playbook = options.playbook ?? kmsPlaybook(site.route);
  const planners = await openKmsRoute(site);
  const plan = await planOf(site, planners, playbook);
  await planners.close();
  const opened = await openKmsRoute(site, options.account);
  try {
    return await runPlan(site, plan, { ...options, playbook, opened });
  } finally {
    await opened.close();
    await plan.dispose();
  }
}

export async function resumeKmsRoute(
  site: KmsSite,
  run: string,
  options: Omit<KmsRunOptions, 'playbook'> & Parameters<typeof resume>[2] = {},
): Promise<RunResult> {
  const opened = await openKmsRoute(site, options.account);
  try {
    return await resume(site, run, { ...options, opened });
  } finally {
    await opened.close();
  }
}
