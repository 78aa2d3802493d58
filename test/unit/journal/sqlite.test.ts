import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { createPrivateFile } from '../../../src/home/private-file.ts';
import { loadBetterSqlite } from '../../../src/journal/sqlite/better-sqlite.ts';
import { loadNodeSqlite, withoutExperimentalWarning } from '../../../src/journal/sqlite/node-sqlite.ts';
import { openSqlite, SQLITE_PROVIDERS, type SqliteOpen } from '../../../src/journal/sqlite/sqlite.ts';
import { sqliteCode, stateError } from '../../../src/journal/sqlite/sqlite-error.ts';
import { aFolder } from '../../support/journal-folder.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const hasNodeSqlite = major > 22 || (major === 22 && minor >= 13);

async function provider(load: () => Promise<SqliteOpen | null>): Promise<SqliteOpen> {
  const open = await load();
  if (open === null) throw new Error('this provider of SQLite is not installed');
  return open;
}

/** Both where both are: on Node 20 there is only one, on newer Nodes better-sqlite3 may not be compiled. */
const providers: (readonly [string, SqliteOpen])[] = [];
if (hasNodeSqlite) providers.push(['node:sqlite', await provider(loadNodeSqlite)]);
else providers.push(['better-sqlite3', await provider(loadBetterSqlite)]);

describe.each(providers)('%s', (_, open) => {
  const openFile = async (readOnly = false) => {
    const path = join(await aFolder(), 'a.db');
    await createPrivateFile(path);
    return { path, database: open({ path, readOnly, busyTimeoutMs: 0 }) };
  };

  it('stores and gives back every kind of value', async () => {
    const { database } = await openFile();
    database.exec('CREATE TABLE things (a, b, c, d)');
    const insert = database.prepare('INSERT INTO things VALUES (?, ?, ?, ?)');
    insert.run(1_795_310_461_467, 'ü', new Uint8Array([1, 2]), null);
    insert.run(2, '', new Uint8Array(), null);
    const select = database.prepare('SELECT * FROM things WHERE a > ? ORDER BY a DESC');
    const row = select.get(5) ?? {};
    expect({ ...row, c: [...(row.c as Uint8Array)] }).toEqual({ a: 1_795_310_461_467, b: 'ü', c: [1, 2], d: null });
    expect(select.get(1e14)).toBeUndefined();
    expect(select.all(0).map(({ b }) => b)).toEqual(['ü', '']);
    expect([...select.iterate(0)].map(({ b }) => b)).toEqual(['ü', '']);
    database.close();
  });

  it.each([
    [
      'SQLITE_CONSTRAINT',
      (exec: (sql: string) => void) => exec('CREATE TABLE t (a PRIMARY KEY); INSERT INTO t VALUES (1), (1)'),
    ],
    ['SQLITE_ERROR', (exec: (sql: string) => void) => exec('SELECT * FROM nothing')],
    [
      'SQLITE_FULL',
      (exec: (sql: string) => void) =>
        exec('PRAGMA max_page_count = 2; CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(99999))'),
    ],
  ])('names the error %s', async (code, provoke) => {
    const { database } = await openFile();
    const error = thrownBy(() => provoke((sql) => database.exec(sql)));
    expect(sqliteCode(error)).toBe(code);
    database.close();
  });

  it('cannot write when opened to read', async () => {
    const { database } = await openFile(true);
    expect(sqliteCode(thrownBy(() => database.exec('CREATE TABLE t (a)')))).toBe('SQLITE_READONLY');
    database.close();
  });

  it('does not wait for a lock, and names it', async () => {
    const { path, database } = await openFile();
    database.exec('BEGIN EXCLUSIVE');
    const second = open({ path, readOnly: false, busyTimeoutMs: 0 });
    expect(sqliteCode(thrownBy(() => second.exec('BEGIN EXCLUSIVE')))).toBe('SQLITE_BUSY');
    second.close();
    database.close();
  });

  it('names a file that is no database', async () => {
    const path = join(await aFolder(), 'a.db');
    await writeFile(path, 'not a database\n'.repeat(100));
    const database = open({ path, readOnly: false, busyTimeoutMs: 0 });
    expect(sqliteCode(thrownBy(() => database.exec('SELECT * FROM sqlite_schema')))).toBe('SQLITE_NOTADB');
    database.close();
  });
});

describe('the choice of SQLite', () => {
  it('prefers Node’s own and is absent from older Nodes', async () => {
    expect(SQLITE_PROVIDERS[0]).toBe(loadNodeSqlite);
    expect((await loadNodeSqlite()) !== null).toBe(hasNodeSqlite);
  });

  it('says what to install when there is none', async () => {
    const none = [async () => null, async () => null];
    await expect(openSqlite({ path: '/nowhere' }, none)).rejects.toMatchObject({
      code: 'state-unwritable',
      hint: expect.stringContaining('npm install better-sqlite3'),
    });
  });

  it('is quiet about SQLite being experimental and about nothing else', async () => {
    const heard: string[] = [];
    const listen = (warning: Error): void => void heard.push(warning.message);
    process.on('warning', listen);
    const { emitWarning } = process;
    const given = withoutExperimentalWarning(() => {
      process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
      process.emitWarning('another feature is experimental', 'ExperimentalWarning');
      process.emitWarning('SQLite is old', 'DeprecationWarning');
      return 7;
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(given).toBe(7);
    expect(heard).toEqual(['another feature is experimental', 'SQLite is old']);
    expect(process.emitWarning).toBe(emitWarning);
  });
});

describe('errors of SQLite', () => {
  const native = (code: string) => Object.assign(new Error('the reason'), { code });
  const failure = { what: 'It could not be written', consequence: 'Something may be lost.', dir: '/' };

  it.each([
    ['SQLITE_FULL', 'disk-full'],
    ['SQLITE_IOERR_WRITE', 'state-unwritable'],
    ['SQLITE_READONLY_DBMOVED', 'state-unwritable'],
    ['SQLITE_CANTOPEN', 'state-unwritable'],
    ['SQLITE_BUSY', 'state-unwritable'],
    ['SQLITE_CORRUPT_INDEX', 'journal-damaged'],
    ['SQLITE_NOTADB', 'journal-damaged'],
  ])('%s becomes %s', (code, expected) => {
    const error = stateError(native(code), failure);
    expect(error).toMatchObject({
      code: expected,
      message: 'It could not be written: the reason. Something may be lost.',
    });
  });

  it('of Node carry a number', () => {
    expect(sqliteCode(Object.assign(new Error(), { code: 'ERR_SQLITE_ERROR', errcode: 778 }))).toBe('SQLITE_IOERR');
    expect(sqliteCode(Object.assign(new Error(), { code: 'ERR_SQLITE_ERROR', errcode: 13 }))).toBe('SQLITE_FULL');
  });

  it.each([
    ['a mistake in a statement', native('SQLITE_ERROR')],
    ['an error of the file system', native('ENOSPC')],
    ['one of keyferry', new KeyferryError('run-held', 'held')],
    ['no error at all', 'text'],
  ])('leave %s as it is', (_, error) => {
    expect(stateError(error, failure)).toBe(error);
  });
});

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
