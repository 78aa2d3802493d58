/** Takes a run up again: to go on, to try the failed items again in a new generation, or to end it and clean up. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal } from '../journal/journal.ts';
import type { PlanHead } from '../plan/model.ts';
import { checkPlanDevices } from '../plan/plan-devices.ts';
import type { ResumeOptions, RunHandle } from './engine.ts';
import { runContext } from './run-context.ts';
import { RunOwner } from './run-owner.ts';
import { owning } from './start-run.ts';

const ENDED: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled']);

export async function resumeRun(options: ResumeOptions): Promise<RunHandle> {
  const owned = await options.store.open(options.run);
  const { journal } = owned;
  try {
    const plan = journal.head().plan as PlanHead;
    checkPlanDevices(plan, options.devices);
    const last = lastPhase(journal);
    if (ENDED.has(last.state) && options.mode !== 'retry') {
      throw new KeyferryError('run-finished', `run ${options.run} is over (${last.state})`, {
        ...(options.mode === 'resume' ? { hint: `To take failed keys again: keyferry retry ${options.run}` } : {}),
      });
    }
    let { generation } = last;
    if (options.mode === 'retry') {
      generation += ENDED.has(last.state) ? 1 : 0;
      await journal.resetItems(['failed', 'needs-attention'], generation);
    }
    const context = runContext({
      environment: options,
      owned,
      plan,
      playbook: options.playbook,
      generation,
      isResumed: true,
      stale: new Map(),
    });
    return owning(new RunOwner(context).start(options.mode === 'cancel' ? 'cancel' : 'run'), () => owned.close());
  } catch (error) {
    await owned.close();
    throw error;
  }
}

/** The last phase the journal names; a run that never got so far is `planned` in generation 1. */
function lastPhase(journal: Journal): { readonly state: string; readonly generation: number } {
  let state = 'planned';
  let generation = 1;
  for (const { entry } of journal.entries({ kinds: ['phase', 'reset'] })) {
    if (entry.kind === 'phase') state = entry.to;
    // A retry that got no further than its reset is open again.
    if (entry.kind === 'reset') state = 'planned';
    if (entry.kind === 'phase' || entry.kind === 'reset') generation = entry.generation;
  }
  return { state, generation };
}
