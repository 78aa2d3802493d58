/** SQLite from Node itself: `node:sqlite`, without a flag from 22.13 on. https://nodejs.org/api/sqlite.html */
import type { SqliteOpen } from './sqlite.ts';

export async function loadNodeSqlite(): Promise<SqliteOpen | null> {
  const sqlite = withoutExperimentalWarning(() => process.getBuiltinModule('node:sqlite'));
  // Absent in Node 20, undefined behind a flag until 22.13.
  if (sqlite === undefined) return null;
  return ({ path, readOnly, busyTimeoutMs }) => {
    const database = new sqlite.DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
    return {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => {
        const statement = database.prepare(sql);
        return {
          run: (...values) => void statement.run(...values),
          get: (...values) => statement.get(...values),
          all: (...values) => statement.all(...values),
          iterate: (...values) => statement.iterate(...values),
        };
      },
      close: () => database.close(),
    };
  };
}

/**
 * Loading the module warns that it is experimental, on every command. The load is synchronous, so nothing else can warn meanwhile but
 * the load itself, and of its warnings only this one is left out.
 */
export function withoutExperimentalWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((...args: Parameters<typeof emitWarning>) => {
    const [warning, type] = args;
    const name = typeof type === 'string' ? type : warning instanceof Error ? warning.name : undefined;
    if (name === 'ExperimentalWarning' && /sqlite/i.test(String(warning))) return;
    Reflect.apply(emitWarning, process, args);
  }) as typeof emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
