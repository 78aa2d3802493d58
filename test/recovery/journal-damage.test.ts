/** Every way in which a journal can be other than keyferry wrote it: found at open, or by the walk over the whole of it. */
import { copyFile, cp, open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../../src/journal/sqlite/sqlite.ts';
import { createJournal, openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import {
  A_RUN,
  aCall,
  aCheck,
  aHead,
  anIntent,
  anItem,
  anOutcome,
  collect,
  planItems,
} from '../support/journal-fixtures.ts';
import { aFolder, aJournal } from '../support/journal-folder.ts';

const ITEMS = 800;
const PAGE_BYTES = 4_096;

/** Closed, with more entries than the check at open looks at: seq 3 … 2402, and one call left open. */
async function aLongJournal(): Promise<string> {
  const { dir, journal } = await aJournal(ITEMS);
  for (let item = 0; item < ITEMS; item++) {
    journal.note(anIntent(aCall(item)));
    if (item > 0) journal.note(anOutcome(aCall(item)));
    journal.note(anItem(item, item === 5 ? 'failed' : 'migrated'));
  }
  await journal.close();
  return dir;
}

async function change(dir: string, ...statements: string[]): Promise<void> {
  const database = await openSqlite({ path: join(dir, 'journal.db') });
  for (const statement of statements) database.exec(statement);
  database.close();
}

const opening = (dir: string) => openJournal({ dir, run: A_RUN });

async function verifying(dir: string) {
  const journal = await opening(dir);
  try {
    return await journal.verifyChain();
  } finally {
    await journal.close();
  }
}

describe('a sound journal', () => {
  it('opens and verifies', async () => {
    await expect(verifying(await aLongJournal())).resolves.toMatchObject({ entries: 2 + 3 * ITEMS - 1 });
  });

  it('that is an older copy is sound too', async () => {
    const { dir, journal } = await aJournal();
    await journal.append(aCheck('before the copy'));
    await journal.close();
    const copy = join(await aFolder(), 'copy');
    await cp(dir, copy, { recursive: true });
    const later = await opening(dir);
    await later.append(aCheck('after the copy'));
    await later.close();
    await expect(verifying(copy)).resolves.toMatchObject({ entries: 3 });
  });

  it('whose log lost its tail has lost whole commits and is sound', async () => {
    const { dir, journal } = await aJournal();
    for (let n = 0; n < 20; n++) await journal.append(aCheck(`${n}`));
    const copy = await aFolder();
    for (const file of ['journal.db', 'journal.db-wal']) await copyFile(join(dir, file), join(copy, file));
    await journal.close();
    const wal = join(copy, 'journal.db-wal');
    await truncate(wal, Math.floor((await stat(wal)).size / 2));
    const { entries } = await verifying(copy);
    expect(entries).toBeGreaterThan(2);
    expect(entries).toBeLessThan(22);
  });
});

describe('found at open', () => {
  it.each([
    ['a missing file', (path: string) => rm(path)],
    ['an empty file', (path: string) => truncate(path, 0)],
    ['a file cut off in its header', (path: string) => truncate(path, 60)],
    ['a file cut off in the middle', async (path: string) => truncate(path, Math.floor((await stat(path)).size / 2))],
    ['a file without its last byte', async (path: string) => truncate(path, (await stat(path)).size - 1)],
    ['a file that is something else', (path: string) => writeFile(path, 'not a database\n'.repeat(100))],
    ['a zeroed header', (path: string) => zero(path, 0, PAGE_BYTES)],
  ])('%s', async (_, damage) => {
    const dir = await aLongJournal();
    await damage(join(dir, 'journal.db'));
    await expect(opening(dir)).rejects.toMatchObject({ code: 'journal-damaged', exitCode: 8 });
  });

  it.each([
    [
      'an altered payload',
      "UPDATE entries SET payload = replace(payload, 'migrated', 'skipped') WHERE seq = 2002",
      /entry 2002 was altered/,
    ],
    ['an altered time', 'UPDATE entries SET at = at + 1 WHERE seq = 2000', /entry 2000 was altered/],
    ['an altered hash', 'UPDATE entries SET hash = zeroblob(32) WHERE seq = 2000', /entry 2000 was altered/],
    ['a short hash', 'UPDATE entries SET hash = zeroblob(3) WHERE seq = 2000', /entry 2000 has no hash/],
    ['an altered column', 'UPDATE entries SET item = item + 1 WHERE seq = 2000', /columns of entry 2000/],
    ['a deleted entry', 'DELETE FROM entries WHERE seq = 2000', /entry 2000 is missing/],
    ['a deleted head', 'DELETE FROM entries WHERE seq = 1', /has no head/],
    [
      'an altered head',
      "UPDATE entries SET payload = replace(payload, 'a-playbook', 'b-playbook') WHERE seq = 1",
      /entry 1 was altered/,
    ],
    ['a deleted commitment', 'DELETE FROM entries WHERE seq = 2', /commitment/],
    ['deleted items', 'DELETE FROM items WHERE idx > 700', /made for 800 items and holds 701/],
    ['a deleted state', 'DELETE FROM states WHERE idx = 3', /made for 800 items/],
    ['an unknown state', 'UPDATE states SET state = 77 WHERE idx = 3', /unknown state/],
    ['a finished call listed as open', 'INSERT INTO open_intents (seq) VALUES (2399)', /open calls/],
    ['another entry listed as an open call', 'INSERT INTO open_intents (seq) VALUES (2400)', /is none/],
    ['a missing table', 'DROP TABLE open_intents', /no such table/],
    ['an unknown old format', 'PRAGMA user_version = 0', /format 0/],
  ])('%s', async (_, statement, message) => {
    const dir = await aLongJournal();
    await change(dir, statement);
    await expect(opening(dir)).rejects.toMatchObject({
      code: 'journal-damaged',
      message: expect.stringMatching(message),
    });
  });

  it('an entry added by other hands', async () => {
    const dir = await aLongJournal();
    await change(
      dir,
      `INSERT INTO entries SELECT seq + 1, at, kind, scope, item, hash, payload FROM entries ORDER BY seq DESC LIMIT 1`,
    );
    await expect(opening(dir)).rejects.toMatchObject({ code: 'journal-damaged' });
  });

  it('a format of the future', async () => {
    const dir = await aLongJournal();
    await change(dir, 'PRAGMA user_version = 2');
    await expect(opening(dir)).rejects.toMatchObject({
      code: 'journal-newer',
      message: expect.stringContaining('format 2'),
    });
  });

  it('a database that keyferry did not make', async () => {
    const dir = await aLongJournal();
    await change(dir, 'PRAGMA application_id = 7');
    await expect(opening(dir)).rejects.toMatchObject({ code: 'journal-foreign' });
  });

  it('the journal of another run', async () => {
    const dir = await aFolder();
    const other = '20260101-000000-000000';
    await (await createJournal({ dir, run: other, head: aHead(other), items: planItems(3) })).close();
    await expect(opening(dir)).rejects.toMatchObject({
      code: 'journal-foreign',
      message: expect.stringContaining(other),
    });
  });

  it('the log of another run, and the database beside it is not changed by the look', async () => {
    const mine = await aLongJournal();
    const before = await readFile(join(mine, 'journal.db'));
    const other = await aJournal(5);
    for (let n = 0; n < 50; n++) await other.journal.append(aCheck(`${n}`));
    await copyFile(join(other.dir, 'journal.db-wal'), join(mine, 'journal.db-wal'));
    await other.journal.close();
    await expect(opening(mine)).rejects.toMatchObject({ code: 'journal-damaged' });
    expect((await readFile(join(mine, 'journal.db'))).equals(before)).toBe(true);
    for (const log of ['journal.db-wal', 'journal.db-shm']) await rm(join(mine, log), { force: true });
    await expect(verifying(mine)).resolves.toBeDefined();
  });

  it('a journal whose creation was cut off, with what to do about it', async () => {
    const dir = await aLongJournal();
    await rename(join(dir, 'journal.db'), join(dir, 'journal.db.partial'));
    await expect(opening(dir)).rejects.toMatchObject({
      code: 'journal-damaged',
      message: expect.stringContaining('never completed'),
      hint: expect.stringContaining('delete the folder'),
    });
  });
});

describe('found by the walk over the whole journal', () => {
  it.each([
    [
      'an altered payload',
      "UPDATE entries SET payload = replace(payload, 'unwrap-key', 'delete-key') WHERE seq = 101",
      /entry 101 was altered/,
    ],
    ['a deleted entry', 'DELETE FROM entries WHERE seq = 100', /entry 100 is missing/],
    ['many deleted entries', 'DELETE FROM entries WHERE seq BETWEEN 100 AND 300', /entry 100 is missing/],
    [
      'exchanged entries',
      'UPDATE entries SET payload = (SELECT payload FROM entries WHERE seq = 102) WHERE seq = 99',
      /entry 99 was altered/,
    ],
    ['an altered column', 'UPDATE entries SET kind = 6 WHERE seq = 100', /columns of entry 100/],
    [
      'an altered line of the plan',
      "UPDATE items SET line = replace(line, 'payments', 'receipts') WHERE idx = 9",
      /items are not those/,
    ],
    [
      'an item whose state was changed alone',
      'UPDATE states SET state = 1 WHERE idx = 5',
      /item 5 is not what its entries say/,
    ],
    ['an item that points to another entry', 'UPDATE states SET seq = 12 WHERE idx = 7', /item 7 is not what/],
    ['an open call taken off the list', 'DELETE FROM open_intents', /open calls/],
  ])('%s', async (_, statement, message) => {
    const dir = await aLongJournal();
    await change(dir, statement);
    await expect(verifying(dir)).rejects.toMatchObject({
      code: 'journal-damaged',
      message: expect.stringMatching(message),
    });
  });

  it('zeroed pages, wherever they are', async () => {
    const sound = await aLongJournal();
    const pages = (await stat(join(sound, 'journal.db'))).size / PAGE_BYTES;
    const used = await pagesInUse(sound);
    for (let page = 2; page <= pages; page += Math.ceil(pages / 25)) {
      if (!used.has(page)) continue;
      const dir = await aFolder();
      const path = join(dir, 'journal.db');
      await copyFile(join(sound, 'journal.db'), path);
      await zero(path, (page - 1) * PAGE_BYTES, PAGE_BYTES);
      await expect(verifying(dir), `page ${page}`).rejects.toMatchObject({ code: 'journal-damaged' });
    }
  });
});

describe('found while reading', () => {
  it('an item without its line or its entry', async () => {
    const dir = await aLongJournal();
    const journal = await opening(dir);
    await change(dir, 'DELETE FROM items WHERE idx = 400', 'UPDATE states SET seq = 999999 WHERE idx = 5');
    await expect(collect(journal.items())).rejects.toMatchObject({
      code: 'journal-damaged',
      message: /item 5 has lost its entry/,
    });
    await expect(collect(journal.items(['migrated']))).rejects.toMatchObject({ code: 'journal-damaged' });
    await journal.close();
  });
});

async function zero(path: string, start: number, length: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(length), 0, length, start);
  await file.close();
}

/** Pages of tables that the walk reads; indexes only repeat them, and a free page holds nothing. */
async function pagesInUse(dir: string): Promise<ReadonlySet<number>> {
  const database = await openSqlite({ path: join(dir, 'journal.db'), readOnly: true });
  const rows = database.prepare("SELECT pageno FROM dbstat WHERE name IN ('entries', 'items', 'states')").all();
  database.close();
  return new Set(rows.map((row) => Number(row.pageno)));
}
