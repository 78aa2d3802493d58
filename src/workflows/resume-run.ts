/** Takes a run up again: to go on, to try the failed items again in a new generation, or to end it and clean up. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal, RunEnding } from '../journal/journal.ts';
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
      throw new KeyferryError('run-finished', `Run ${options.run} is over (${last.state})`, {
        ...(options.mode === 'resume' && hasLeft(last.state, journal)
          ? { hint: `To take what is left again: keyferry retry ${options.run}` }
          : {}),
      });
    }
    let { generation } = last;
    if (options.mode === 'retry' && last.ending !== null && !ENDED.has(last.state)) {
      throw new KeyferryError('run-finished', `run ${options.run} has not finished cleaning up`, {
        hint: `First: keyferry resume ${options.run}`,
      });
    }
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
    });
    const isCancelled = options.mode === 'cancel' || (last.isCancelled && options.mode !== 'retry');
    const ending = options.mode === 'retry' ? null : last.ending;
    if (options.mode === 'cancel' && ending === null && !last.isCancelled) {
      await journal.append({ kind: 'cancel', by: 'operator' });
    }
    const begin = ending ?? (isCancelled ? { state: 'cancelled' as const, error: null } : null);
    return owning(new RunOwner(context).start(begin), () => owned.close());
  } catch (error) {
    await owned.close();
    throw error;
  }
}

/** Whether a retry would have something to do. */
function hasLeft(state: string, journal: Journal): boolean {
  const { failed, needsAttention, pending } = journal.counts();
  return failed + needsAttention > 0 || (state === 'failed' && pending > 0);
}

interface LastPhase {
  readonly state: string;
  readonly generation: number;
  /** Set once the run had begun to end: it is not done otherwise any more. */
  readonly ending: RunEnding | null;
  /** A cancel that its owner had read and did not live to carry out. */
  readonly isCancelled: boolean;
}

/** The last phase the journal names; a run that never got so far is `planned` in generation 1. */
function lastPhase(journal: Journal): LastPhase {
  let last: LastPhase = { state: 'planned', generation: 1, ending: null, isCancelled: false };
  for (const { entry } of journal.entries({ kinds: ['phase', 'reset', 'cancel'] })) {
    if (entry.kind === 'cancel') last = { ...last, isCancelled: true };
    // A retry that got no further than its reset is open again.
    if (entry.kind === 'reset')
      last = { state: 'planned', generation: entry.generation, ending: null, isCancelled: false };
    if (entry.kind === 'phase')
      last = { ...last, state: entry.to, generation: entry.generation, ending: entry.ending ?? last.ending };
  }
  return last;
}
