/** A disk that fills up under a run: every append that waits is told, and the journal takes nothing more until it is opened again. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { HashChain } from '../../src/journal/sqlite/hash-chain.ts';
import { JournalWriter } from '../../src/journal/sqlite/journal-writer.ts';
import { checkContent } from '../../src/journal/sqlite/open-checks.ts';
import { openSqlite } from '../../src/journal/sqlite/sqlite.ts';
import { createJournal, openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { A_RUN, aCheck, aHead, anItem, planItems } from '../support/journal-fixtures.ts';
import { aFolder, aJournal } from '../support/journal-folder.ts';

const bulky = (name: string): Entry => ({ kind: 'check', name, result: 'passed', detail: 'x'.repeat(4_000) });

/** A writer on a database that may not grow by more than a few pages: SQLite reports that as a full disk. */
async function aWriterWithLittleRoom() {
  const { dir, journal } = await aJournal(10);
  await journal.close();
  const database = await openSqlite({ path: join(dir, 'journal.db') });
  const file = { database, run: A_RUN, dir };
  const start = checkContent(file);
  const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count);
  database.exec(`PRAGMA max_page_count = ${pages + 4}`);
  const writer = new JournalWriter({ ...start, file, chain: new HashChain(start.lastHash), tuning: {} });
  return { dir, database, writer };
}

describe('a journal on a full disk', () => {
  it('rejects every append that waits and all that follow, and opens again with what was durable', async () => {
    const { dir, database, writer } = await aWriterWithLittleRoom();
    await writer.append(aCheck('fits'));
    const waiting = [
      writer.append(anItem(1, 'migrated')),
      ...Array.from({ length: 10 }, (_, n) => writer.append(bulky(`${n}`))),
    ];
    writer.note(aCheck('noted'));
    for (const append of waiting) await expect(append).rejects.toMatchObject({ code: 'disk-full', exitCode: 8 });
    await expect(writer.append(aCheck('small'))).rejects.toMatchObject({ code: 'disk-full' });
    await expect(writer.flush()).rejects.toMatchObject({ code: 'disk-full' });
    await expect(writer.resetItems(['pending'], 2)).rejects.toMatchObject({ code: 'disk-full' });
    expect(() => writer.note(aCheck('after'))).not.toThrow();
    expect(writer.counts()).toMatchObject({ pending: 10, migrated: 0 });
    await writer.close();
    database.close();

    const opened = await openJournal({ dir, run: A_RUN });
    await opened.append(bulky('there is room again'));
    await expect(opened.verifyChain()).resolves.toMatchObject({ entries: 4 });
    expect(opened.counts()).toMatchObject({ pending: 10, migrated: 0 });
    await opened.close();
  });

  it('tells close when only notes were lost', async () => {
    const { database, writer } = await aWriterWithLittleRoom();
    for (let n = 0; n < 10; n++) writer.note(bulky(`${n}`));
    await expect(writer.close()).rejects.toMatchObject({ code: 'disk-full' });
    database.close();
  });
});

describe.runIf(canMount())('on a real file system of one megabyte (needs the right to mount)', () => {
  it('a journal cannot be created without room and leaves nothing, and rejects appends when the room is used up', async () => {
    const disk = await aFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    try {
      const dir = join(disk, 'run');
      await mkdir(dir);
      const options = { dir, run: A_RUN, head: aHead() };
      await expect(createJournal({ ...options, items: planItems(20_000) })).rejects.toMatchObject({
        code: 'disk-full',
      });
      expect(statfsSync(disk).bfree).toBeGreaterThan(240);

      const journal = await createJournal({ ...options, items: planItems(100) });
      await journal.append(aCheck('fits'));
      await writeFile(join(disk, 'filler'), Buffer.alloc((statfsSync(disk).bavail - 8) * 4_096));
      const appends = Array.from({ length: 40 }, (_, n) => journal.append(bulky(`${n}`)));
      for (const append of appends) await expect(append).rejects.toMatchObject({ code: 'disk-full' });
      await journal.close();

      await rm(join(disk, 'filler'));
      const opened = await openJournal({ dir, run: A_RUN });
      await opened.append(bulky('there is room again'));
      await expect(opened.verifyChain()).resolves.toMatchObject({ entries: 4 });
      await opened.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('a journal on a disk that becomes read-only is unwritable', async () => {
    const disk = await aFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    try {
      const options = { dir: disk, run: A_RUN };
      await (await createJournal({ ...options, head: aHead(), items: planItems(10) })).close();
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const attempt = openJournal(options).then((journal) =>
        journal.append(aCheck('a')).finally(() => journal.close()),
      );
      await expect(attempt).rejects.toMatchObject({ code: 'state-unwritable' });
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false;
  try {
    // Root in a container may still not mount.
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
