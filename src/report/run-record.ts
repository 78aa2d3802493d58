/** What a journal says of its run as a whole: state, counts, time, what was left behind and what an open run still holds. */
import type { Counts, EntryScope, Journal } from '../journal/journal.ts';
import { isKeyRef } from '../keys/key-record.ts';
import { labelText } from '../keys/locator.ts';
import type { PlanHead } from '../plan/model.ts';

/** An object on a device that the run made. */
export interface RecordedObject {
  readonly device: string;
  readonly object: string;
  readonly reason: string;
}

export interface RunRecord {
  readonly run: string;
  /** As the run machine names it. */
  readonly state: string;
  /** Why it is in that state, where the run said so. */
  readonly reason: string | null;
  readonly counts: Counts;
  /** Time under an owner, to the last entry that tells of one. */
  readonly seconds: number;
  readonly leftovers: readonly RecordedObject[];
  /** Objects that the run made for itself and has not deleted; empty once it is over. */
  readonly held: readonly RecordedObject[];
  readonly plan: PlanHead;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The last owner started and never said that it stopped: it works still, or it was killed. */
  readonly isOwned: boolean;
}

const OVER: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled']);
export const isOver = (state: string): boolean => OVER.has(state);

/** Items that a retry takes: a run that failed as a whole has also left those that it never came to. */
export const retryable = ({ state, counts }: Pick<RunRecord, 'state' | 'counts'>): number =>
  counts.failed + counts.needsAttention + (state === 'failed' ? counts.pending : 0);

/** As the engine says it of a run that it leaves open. */
const HELD = 'held by this run until it ends; resume or cancel it';

export function readRunRecord(journal: Journal): RunRecord {
  let state = 'planned';
  let reason: string | null = null;
  let generation = 0;
  let milliseconds = 0;
  let startedAt: number | null = null;
  let segmentStart: number | null = null;
  let lastAt = 0;
  let isOwned = false;
  const leftovers = new Map<string, RecordedObject>();
  for (const { at, entry } of journal.entries({ kinds: ['run', 'owner', 'phase', 'leftover'] })) {
    startedAt ??= at;
    if (entry.kind === 'phase') {
      state = entry.to;
      reason = entry.reason;
      generation = Math.max(generation, entry.generation);
    } else if (entry.kind === 'leftover') {
      const { device, object, reason: why } = entry;
      leftovers.set(`${device}\n${object}`, { device, object, reason: why });
    } else if (entry.kind === 'owner') {
      if (segmentStart !== null) milliseconds += (entry.event === 'stopped' ? at : lastAt) - segmentStart;
      segmentStart = entry.event === 'started' ? at : null;
      isOwned = entry.event === 'started';
    }
    lastAt = at;
  }
  if (segmentStart !== null) milliseconds += lastAt - segmentStart;
  return {
    run: journal.run,
    state,
    reason,
    counts: journal.counts(),
    seconds: milliseconds / 1000,
    leftovers: [...leftovers.values()],
    held: isOver(state) ? [] : heldObjects(journal, state, generation),
    plan: journal.head().plan as PlanHead,
    startedAt: startedAt ?? 0,
    isOwned,
  };
}

/** What prepare made stands until finally; the canary's keys only while it is on its way. */
function heldObjects(journal: Journal, state: string, generation: number): RecordedObject[] {
  const scopes: readonly EntryScope[] = state === 'proving' ? ['prepare', 'canary'] : ['prepare'];
  const held = new Map<string, RecordedObject>();
  for (const { entry } of journal.entries({ kinds: ['outcome'], scopes })) {
    if (entry.kind !== 'outcome' || entry.result !== 'applied' || entry.call.generation !== generation) continue;
    for (const output of Object.values(entry.outputs ?? {})) {
      if (!isKeyRef(output)) continue;
      const { class: keyClass, type, id, label } = output.locator;
      const name = label === '' ? '' : ` label "${labelText(label) ?? label}"`;
      const object = `${keyClass} key (${type})${name}${id === '' ? '' : ` id ${id}`}`;
      held.set(`${output.device}\n${object}`, { device: output.device, object, reason: HELD });
    }
  }
  return [...held.values()];
}
