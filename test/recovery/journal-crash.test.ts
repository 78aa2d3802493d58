/** kill -9 in the middle of appending, and one owner per run through stops and kills. */
import { describe, expect, it } from 'vitest';
import { acquireRunLock } from '../../src/journal/run-lock.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { A_RUN, collect } from '../support/journal-fixtures.ts';
import { aFolder, aJournal } from '../support/journal-folder.ts';
import { startJournalProcess } from '../support/journal-processes.ts';

describe('a journal whose owner is killed', () => {
  it.each([5, 40, 230])('after %i items holds all that was reported as durable', async (items) => {
    const { dir, journal } = await aJournal(5_000);
    await journal.close();
    const owner = startJournalProcess('append', dir);
    await owner.line(1 + items);
    owner.signal('SIGKILL');
    await owner.ended();

    const lock = await acquireRunLock(dir);
    const opened = await openJournal({ dir, run: A_RUN });
    await expect(opened.verifyChain()).resolves.toBeDefined();
    const migrated = new Set((await collect(opened.items(['migrated']))).map(({ item }) => item.index));
    const reported = owner.lines.slice(1).map(Number);
    expect(reported.length).toBeGreaterThanOrEqual(items);
    expect(reported.filter((item) => !migrated.has(item))).toEqual([]);
    expect(opened.counts().migrated).toBe(migrated.size);
    expect([...opened.openIntents()].length).toBeLessThanOrEqual(16);
    await opened.close();
    await lock.release();
  });
});

describe('the lock of a run', () => {
  it('is held through SIGSTOP, names its holder, and is free after kill -9', async () => {
    const dir = await aFolder();
    const owner = startJournalProcess('hold', dir);
    expect(await owner.line(1)).toBe('ready');
    owner.signal('SIGSTOP');

    const second = startJournalProcess('hold', dir);
    expect(await second.line(1)).toContain(`run-held Process ${owner.pid} on `);
    await second.ended();
    await expect(acquireRunLock(dir)).rejects.toMatchObject({ code: 'run-held', exitCode: 6 });

    owner.signal('SIGKILL');
    await owner.ended();
    const lock = await acquireRunLock(dir);
    expect(lock.owner.pid).toBe(process.pid);
    const third = startJournalProcess('hold', dir);
    expect(await third.line(1)).toContain(`run-held Process ${process.pid} on `);
    await third.ended();
    await lock.release();
  });
});
