/**
 * The life of a run. Every process that takes it up starts at `planned` and walks the same way; what is done already is found in the
 * journal and passed by. So a resumed run and a first one are the same machine. Only a run whose end had begun goes on there: `finally`
 * may have deleted what the earlier states need.
 */
import { setup } from 'xstate';
import type { RunEnding } from '../journal/journal.ts';
import type { RunState } from './engine.ts';

export type RunEffect = 'none' | 'prepare' | 'prove' | 'move' | 'finish';

export type RunEvent =
  | { readonly type: 'begin' }
  | { readonly type: 'prepared' }
  | { readonly type: 'proved' }
  | { readonly type: 'moved' }
  | { readonly type: 'finished' }
  /** Something that the whole run cannot go on with, but a later resume may. */
  | { readonly type: 'stopped' }
  /** An approval is missing. */
  | { readonly type: 'approval.missing' }
  /** A check of the run failed for good: clean up and end. */
  | { readonly type: 'refused' }
  | { readonly type: 'cancel' };

const effect = (name: RunEffect) => ({ type: 'effect' as const, params: { do: name } });

/** `finally` could not be carried to its end: the run stays open. */
const UNFINISHED = { stopped: 'paused', refused: 'paused', 'approval.missing': 'waiting' } as const;

export const runMachine = setup({
  types: { events: {} as RunEvent },
  actions: { effect: (_, _params: { do: RunEffect }) => undefined },
}).createMachine({
  id: 'run',
  initial: 'planned',
  states: {
    planned: {
      entry: effect('none'),
      on: { begin: 'preparing', moved: 'finishing', refused: 'failing', cancel: 'cancelling' },
    },
    preparing: {
      entry: effect('prepare'),
      on: {
        prepared: 'proving',
        stopped: 'paused',
        'approval.missing': 'waiting',
        refused: 'failing',
        cancel: 'cancelling',
      },
    },
    proving: {
      entry: effect('prove'),
      on: {
        proved: 'moving',
        stopped: 'paused',
        'approval.missing': 'waiting',
        refused: 'failing',
        cancel: 'cancelling',
      },
    },
    moving: {
      entry: effect('move'),
      on: {
        moved: 'finishing',
        stopped: 'paused',
        'approval.missing': 'waiting',
        refused: 'failing',
        cancel: 'cancelling',
      },
    },
    finishing: { entry: effect('finish'), on: { finished: 'done', ...UNFINISHED } },
    failing: { entry: effect('finish'), on: { finished: 'failed', ...UNFINISHED } },
    cancelling: { entry: effect('finish'), on: { finished: 'cancelled', ...UNFINISHED } },
    paused: { entry: effect('none'), type: 'final' },
    waiting: { entry: effect('none'), type: 'final' },
    done: { entry: effect('none'), type: 'final' },
    failed: { entry: effect('none'), type: 'final' },
    cancelled: { entry: effect('none'), type: 'final' },
  },
});

/** What the run is once `finally` is through, by the state in which `finally` is carried out. */
export const ENDINGS: Readonly<Record<string, RunEnding['state']>> = {
  finishing: 'done',
  failing: 'failed',
  cancelling: 'cancelled',
};

/** The event that takes a planned run straight to where its end had begun. */
export const ENDING_EVENTS = { done: 'moved', failed: 'refused', cancelled: 'cancel' } as const;

/** The machine's states as the outside knows them. */
export function publicState(state: string): RunState {
  return state === 'failing' || state === 'cancelling' ? 'finishing' : (state as RunState);
}
