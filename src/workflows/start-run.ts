/** Begins a run of a plan: journal first, devices after. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal } from '../journal/journal.ts';
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
  for (const [item, why] of options.stale ?? []) noteStale(owned.journal, item, why);
  const context = runContext({
    environment: options,
    owned,
    plan: head,
    playbook: options.playbook,
    generation: 1,
    isResumed: false,
  });
  return owning(new RunOwner(context).start(null), () => owned.close());
}

/** Written down before anything is done: the next process knows only what the journal says. */
function noteStale(journal: Journal, item: number, why: string): void {
  const error = new KeyferryError('key-stale', why).toRecord();
  journal.note({ kind: 'item', item, state: 'failed', reason: why, target: null, verification: null, error });
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
