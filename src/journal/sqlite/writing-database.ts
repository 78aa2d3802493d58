/** The connection that writes a journal: every commit is on the disk before it is answered. */
import { openSqlite, type SqliteDatabase } from './sqlite.ts';

/** Pages of log until they are copied into the database: four times SQLite's default, as entries come by the thousand. */
const CHECKPOINT_PAGES = 4_000;

export async function openForWriting(path: string): Promise<SqliteDatabase> {
  const database = await openSqlite({ path, busyTimeoutMs: 5_000 });
  database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};`);
  return database;
}
