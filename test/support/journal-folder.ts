/** Folders and journals on disk that are gone when their test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import { createJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { A_RUN, aHead, planItems } from './journal-fixtures.ts';

/** Only inside of a test. */
export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyferry-journal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function aJournal(
  items = 10,
  tuning: JournalTuning = {},
): Promise<{ readonly dir: string; readonly journal: Journal }> {
  const dir = await aFolder();
  return { dir, journal: await createJournal({ dir, run: A_RUN, head: aHead(), items: planItems(items), ...tuning }) };
}
