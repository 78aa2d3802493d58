/** SQLite from better-sqlite3 12, for Node 20. An optional dependency: a machine without a compiler installs without it. */
import type { SqliteOpen, SqliteRow } from './sqlite.ts';

export async function loadBetterSqlite(): Promise<SqliteOpen | null> {
  const Database = await importDatabase();
  if (Database === null) return null;
  return ({ path, readOnly, busyTimeoutMs }) => {
    const database = new Database(path, { readonly: readOnly, fileMustExist: true, timeout: busyTimeoutMs });
    return {
      exec: (sql) => void database.exec(sql),
      prepare: (sql) => {
        const statement = database.prepare<unknown[], SqliteRow>(sql);
        return {
          run: (...values) => void statement.run(...values),
          get: (...values) => statement.get(...values),
          all: (...values) => statement.all(...values),
          iterate: (...values) => statement.iterate(...values),
        };
      },
      close: () => void database.close(),
    };
  };
}

async function importDatabase() {
  try {
    const { default: Database } = await import('better-sqlite3');
    // The native part is loaded by the first open only; one in memory tells whether it was compiled for this Node.
    new Database(':memory:').close();
    return Database;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Not installed, not compiled (bindings), or compiled for another Node or machine (dlopen). */
function isMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  return (
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'MODULE_NOT_FOUND' ||
    code === 'ERR_DLOPEN_FAILED' ||
    /bindings file/.test(error.message)
  );
}
