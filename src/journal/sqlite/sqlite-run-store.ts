/** Runs in a home folder: the journal, the lock and the inbox of each, in one folder. The lock comes first and goes last. */
import { openHome } from '../../home/home.ts';
import { newRunId } from '../../home/run-id.ts';
import { openInbox } from '../inbox.ts';
import type { Journal } from '../journal.ts';
import { acquireRunLock } from '../run-lock.ts';
import type { OwnedRun, RunStore } from '../run-store.ts';
import type { JournalTuning } from './journal-writer.ts';
import { createJournal, openJournal } from './sqlite-journal.ts';

/** `path`: the home folder; made when there is none. */
export async function openRunStore(path: string, tuning: JournalTuning = {}): Promise<RunStore> {
  const home = await openHome(path);
  return {
    newRunId: () => newRunId(),
    create: async ({ head, items }) => {
      const dir = await home.createRun(head.run);
      return own(dir, () => createJournal({ dir, run: head.run, head, items, ...tuning }));
    },
    open: async (run) => {
      const dir = await home.runDir(run);
      return own(dir, () => openJournal({ dir, run, ...tuning }));
    },
  };
}

async function own(dir: string, journalOf: () => Promise<Journal>): Promise<OwnedRun> {
  const lock = await acquireRunLock(dir);
  try {
    const journal = await journalOf();
    const inbox = await openInbox(dir);
    return {
      journal,
      readInbox: async () => inbox.read(),
      close: async () => {
        inbox.close();
        await journal.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
