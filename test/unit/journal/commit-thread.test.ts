import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ItemState } from '../../../src/journal/journal.ts';
import type { EntryRow, RowGroup } from '../../../src/journal/sqlite/commit-group.ts';
import { CommitThread } from '../../../src/journal/sqlite/commit-thread.ts';
import { openSqlite } from '../../../src/journal/sqlite/sqlite.ts';
import { openJournal } from '../../../src/journal/sqlite/sqlite-journal.ts';
import { A_RUN, aCall, aCheck, anIntent, anItem, anOutcome, collect } from '../../support/journal-fixtures.ts';
import { aFolder, aJournal } from '../../support/journal-folder.ts';

const row = (seq: number, more: Partial<EntryRow> = {}): EntryRow => ({
  seq,
  at: 0,
  kind: 6,
  scope: 0,
  item: -2,
  payload: JSON.stringify(aCheck(`${seq}`)),
  opens: false,
  closes: 0,
  moves: null,
  resets: null,
  ...more,
});
const group = (...rows: EntryRow[]): RowGroup => ({ rows, hashes: new Uint8Array(32 * rows.length) });

async function aThread(): Promise<{ readonly dir: string; readonly thread: CommitThread }> {
  const { dir, journal } = await aJournal();
  await journal.close();
  const thread = await CommitThread.start({ path: join(dir, 'journal.db'), run: A_RUN, dir });
  if (thread === null) throw new Error('the thread did not start');
  onTestFinished(() => thread.close());
  return { dir, thread };
}

async function seqsIn(dir: string): Promise<number[]> {
  const database = await openSqlite({ path: join(dir, 'journal.db'), readOnly: true });
  const seqs = database.prepare('SELECT seq FROM entries ORDER BY seq').all();
  database.close();
  return seqs.map(({ seq }) => Number(seq));
}

describe('the thread that commits', () => {
  it('says what a group did when others can see it', async () => {
    const { dir, thread } = await aThread();
    const move = (seq: number, item: number, moves: ItemState): EntryRow => row(seq, { kind: 5, item, moves });
    const effect = await thread.commit(group(row(3), move(4, 1, 'migrated'), move(5, 2, 'failed')));
    expect(effect.counts).toMatchObject({ pending: -2, migrated: 1, failed: 1 });
    expect(await seqsIn(dir)).toEqual([1, 2, 3, 4, 5]);
    const reset = await thread.commit(group(row(6, { kind: 9, resets: ['failed', 'needs-attention'] })));
    expect([...reset.resets]).toEqual([[6, 1]]);
    expect(reset.counts).toMatchObject({ pending: 1, failed: -1 });
  });

  it('writes nothing of a group that fails, and tells why', async () => {
    const { dir, thread } = await aThread();
    const lost = thread.commit(group(row(3), row(4, { kind: 5, item: 99, moves: 'migrated' })));
    await expect(lost).rejects.toMatchObject({ code: 'journal-damaged', message: expect.stringContaining('item 99') });
    await expect(thread.commit(group(row(3), row(3)))).rejects.toThrow(/in the journal's thread: .*constraint/i);
    expect(await seqsIn(dir)).toEqual([1, 2]);
    await thread.commit(group(row(3)));
    expect(await seqsIn(dir)).toEqual([1, 2, 3]);
  });

  it('refuses once it has ended', async () => {
    const { thread } = await aThread();
    await thread.close();
    await expect(thread.commit(group(row(3)))).rejects.toMatchObject({ code: 'state-unwritable' });
  });

  it('is not had for a journal that cannot be opened', async () => {
    const dir = await aFolder();
    expect(await CommitThread.start({ path: join(dir, 'journal.db'), run: A_RUN, dir })).toBeNull();
  });
});

describe('a journal that goes over to its thread', () => {
  it('keeps its order, its counts and its chain', async () => {
    const { dir, journal } = await aJournal(300, { commitsBeforeThread: 1, commitSpacingMs: 0 });
    const ended: number[] = [];
    for (let item = 0; item < 300; item += 1) {
      await journal.append(anIntent(aCall(item)));
      journal.note(anOutcome(aCall(item)));
      void journal.append(anItem(item, item % 2 === 0 ? 'migrated' : 'failed')).then(() => ended.push(item));
      // The thread takes a while to start; after that it has most of these.
      await sleep(2);
    }
    await journal.flush();
    expect(ended).toEqual(Array.from({ length: 300 }, (_, item) => item));
    expect(journal.counts()).toMatchObject({ pending: 0, migrated: 150, failed: 150 });
    expect(await collect(journal.items(['failed']))).toHaveLength(150);
    expect(await journal.resetItems(['failed'], 2)).toBe(150);
    expect(journal.counts()).toMatchObject({ pending: 150, failed: 0 });
    await expect(journal.verifyChain()).resolves.toMatchObject({ entries: 903 });
    await journal.close();
    const opened = await openJournal({ dir, run: A_RUN });
    expect(opened.counts()).toMatchObject({ pending: 150, migrated: 150 });
    expect([...opened.openIntents()]).toEqual([]);
    await expect(opened.verifyChain()).resolves.toMatchObject({ entries: 903 });
    await opened.close();
  });

  it('can be closed while the thread starts, and loses nothing', async () => {
    const { dir, journal } = await aJournal(10, { commitsBeforeThread: 1 });
    await journal.append(aCheck('starts it'));
    journal.note(aCheck('last'));
    await journal.close();
    const opened = await openJournal({ dir, run: A_RUN });
    await expect(opened.verifyChain()).resolves.toMatchObject({ entries: 4 });
    await opened.close();
  });

  it('ends with what the thread could not write', async () => {
    const { dir, journal } = await aJournal(10, { commitsBeforeThread: 1, commitSpacingMs: 0 });
    await journal.append(aCheck('starts it'));
    await sleep(1_500);
    const other = await openSqlite({ path: join(dir, 'journal.db'), busyTimeoutMs: 5_000 });
    other.exec('DELETE FROM states WHERE idx = 3');
    other.close();
    const lost = journal.append(anItem(3, 'migrated'));
    const behind = journal.append(aCheck('behind it'));
    await expect(lost).rejects.toMatchObject({ code: 'journal-damaged' });
    await expect(behind).rejects.toMatchObject({ code: 'journal-damaged' });
    await expect(journal.flush()).rejects.toMatchObject({ code: 'journal-damaged' });
    expect(journal.counts()).toMatchObject({ pending: 10, migrated: 0 });
    await journal.close();
  });
});
