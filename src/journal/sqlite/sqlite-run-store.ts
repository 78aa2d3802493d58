/** Runs in the home folder: each owned run is its lock, its journal and its inbox, taken in that order and given up in the reverse. */
import { rm } from 'node:fs/promises';
import { openHome } from '../../home/home.ts';
import { newRunId } from '../../home/run-id.ts';
import { openInbox } from '../inbox.ts';
import type { Journal } from '../journal.ts';
import { acquireRunLock } from '../run-lock.ts';
import type { OwnedRun, RunStore } from '../run-store.ts';
import type { JournalTuning } from './journal-writer.ts';
import { createJournal, openJournal } from './sqlite-journal.ts';

/** `path`: the home folder. Rejects as `openHome` does. */
export async function openRunStore(path: string, tuning: JournalTuning = {}): Promise<RunStore> {
  const home = await openHome(path);
  return {
    newRunId: () => newRunId(),
    create: async ({ head, items }) => {
      const dir = await home.createRun(head.run);
      try {
        return await own(dir, () => createJournal({ dir, run: head.run, head, items, ...tuning }));
      } catch (error) {
        // Nothing was started: what is left is an empty folder.
        await rm(dir, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      }
    },
    open: async (run) => {
      const dir = await home.runDir(run);
      return own(dir, () => openJournal({ dir, run, ...tuning }));
    },
  };
}

async function own(dir: string, getJournal: () => Promise<Journal>): Promise<OwnedRun> {
  const lock = await acquireRunLock(dir);
  let journal: Journal | undefined;
  try {
    const opened = await getJournal();
    journal = opened;
    const inbox = await openInbox(dir);
    return {
      journal: opened,
      readInbox: async () => inbox.read(),
      close: async () => {
        try {
          await opened.close();
          inbox.close();
        } finally {
          await lock.release();
        }
      },
    };
  } catch (error) {
    await journal?.close();
    await lock.release();
    throw error;
  }
}
