/** Begins a run of a plan: journal first, devices after. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { checkPlanDevices } from '../plan/plan-devices.ts';
import type { RunHandle, StartOptions } from './engine.ts';
import { runContext } from './run-context.ts';
import { RunOwner } from './run-owner.ts';

export async function startRun(options: StartOptions): Promise<RunHandle> {
  const { head } = options.plan;
  if (head.blocks.length > 0) {
    throw new KeyferryError('plan-blocked', `the plan cannot be run: ${head.blocks.join('; ')}`);
  }
  checkPlanDevices(head, options.devices);
  const owned = await options.store.create({
    head: { kind: 'run', run: options.store.newRunId(), plan: head, version: options.version },
    items: options.plan.items(),
  });
  const context = runContext({
    environment: options,
    owned,
    plan: head,
    playbook: options.playbook,
    generation: 1,
    isResumed: false,
    stale: options.stale ?? new Map(),
  });
  return owning(new RunOwner(context).start(null), () => owned.close());
}

/** Gives the run up when it has ended, however. */
export function owning(handle: RunHandle, close: () => Promise<void>): RunHandle {
  return { ...handle, result: endingWith(handle.result, close) };
}

async function endingWith<T>(result: Promise<T>, close: () => Promise<void>): Promise<T> {
  try {
    return await result;
  } finally {
    await close();
  }
}
