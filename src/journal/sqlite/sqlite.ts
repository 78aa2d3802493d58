/**
 * The few methods of SQLite that keyferry uses, and the choice of who provides them: `node:sqlite` where Node has it (22.13 and later,
 * nothing to compile), else better-sqlite3 12, an optional dependency.
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { loadBetterSqlite } from './better-sqlite.ts';
import { loadNodeSqlite } from './node-sqlite.ts';

export type SqliteValue = null | number | bigint | string | Uint8Array;
export type SqliteRow = Readonly<Record<string, SqliteValue>>;

/** No other statement of the same database may run while an `iterate` is open: better-sqlite3 refuses it. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): void;
  get(...values: SqliteValue[]): SqliteRow | undefined;
  all(...values: SqliteValue[]): SqliteRow[];
  iterate(...values: SqliteValue[]): Iterable<SqliteRow>;
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteOpenOptions {
  readonly path: string;
  /** Default false. The file must exist either way: whoever creates it sets its mode first. */
  readonly readOnly?: boolean;
  /** How long a statement waits for another process's lock. Default 0: not at all. */
  readonly busyTimeoutMs?: number;
}

export type SqliteOpen = (options: Required<SqliteOpenOptions>) => SqliteDatabase;

/** Node's own first. Null where a provider is not there. */
export const SQLITE_PROVIDERS: readonly (() => Promise<SqliteOpen | null>)[] = [loadNodeSqlite, loadBetterSqlite];

/** Rejects with `state-unwritable` when no provider is installed; otherwise with SQLite's own errors (see sqlite-error.ts). */
export async function openSqlite(options: SqliteOpenOptions, providers = SQLITE_PROVIDERS): Promise<SqliteDatabase> {
  for (const load of providers) {
    const open = await load();
    if (open !== null) return open({ readOnly: false, busyTimeoutMs: 0, ...options });
  }
  throw new KeyferryError(
    'state-unwritable',
    `This Node.js (${process.version}) has no node:sqlite and better-sqlite3 is not installed, so no journal can be kept.`,
    { hint: 'Use Node.js 22.13 or later, or install better-sqlite3: npm install better-sqlite3@12' },
  );
}
