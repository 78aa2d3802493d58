/** The statements of the journal's writer, prepared once: preparing costs more than running. */
import type { JournalFile } from './journal-reader.ts';
import type { SqliteStatement } from './sqlite.ts';

export type WriterStatements = Readonly<
  Record<
    | 'begin'
    | 'commit'
    | 'rollBack'
    | 'insertEntry'
    | 'openIntent'
    | 'closeIntent'
    | 'stateOf'
    | 'moveItem'
    | 'countOf'
    | 'resetItems',
    SqliteStatement
  >
>;

export function prepareStatements({ database }: Pick<JournalFile, 'database'>): WriterStatements {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollBack: database.prepare('ROLLBACK'),
    insertEntry: database.prepare(
      'INSERT INTO entries (seq, at, kind, scope, item, hash, payload) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    openIntent: database.prepare('INSERT INTO open_intents (seq) VALUES (?)'),
    closeIntent: database.prepare('DELETE FROM open_intents WHERE seq = ?'),
    stateOf: database.prepare('SELECT state FROM states WHERE idx = ?'),
    moveItem: database.prepare('UPDATE states SET state = ?, seq = ? WHERE idx = ?'),
    countOf: database.prepare('SELECT count(*) AS items FROM states WHERE state = ?'),
    resetItems: database.prepare('UPDATE states SET state = ?, seq = ? WHERE state = ?'),
  };
}
