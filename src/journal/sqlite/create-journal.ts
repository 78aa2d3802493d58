/**
 * Makes a run's journal: the head, the plan's items and a commitment to them. It is built under another name without a log of its own,
 * made durable as a whole and then renamed, so a crash on the way leaves no run, and a million items are written once.
 */
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { fileError } from '../../home/file-error.ts';
import { createPrivateFile, pathExists, syncFolder } from '../../home/private-file.ts';
import type { PlanItem } from '../../plan/model.ts';
import type { Entry } from '../journal.ts';
import { encodeEntry } from './entry-codec.ts';
import { HashChain } from './hash-chain.ts';
import {
  APPLICATION_ID,
  CREATE_STATE_INDEX,
  CREATE_TABLES,
  columnsOf,
  JOURNAL_FILE,
  PARTIAL_FILE,
  SCHEMA_VERSION,
} from './schema.ts';
import { openSqlite, type SqliteDatabase } from './sqlite.ts';
import { stateError } from './sqlite-error.ts';

/** Name of the check, the second entry of every journal, that commits to the items. */
export const ITEMS_CHECK = 'journal-items';

/** Its detail: how many items there are, and the SHA-256 (hex) of their lines, each followed by a line feed. */
export interface ItemsCommitment {
  readonly items: number;
  readonly sha256: string;
}

/** Items between two turns of the event loop. */
const TURN = 2_000;

export interface NewJournal {
  readonly dir: string;
  readonly head: Extract<Entry, { kind: 'run' }>;
  /** In plan order, `index` counting from 0. */
  readonly items: AsyncIterable<PlanItem>;
  readonly clock: () => number;
}

/** Rejects with `journal-foreign` when there is a journal already, `disk-full`, `state-unwritable`. */
export async function writeNewJournal({ dir, head, items, clock }: NewJournal): Promise<void> {
  if (await pathExists(join(dir, JOURNAL_FILE))) {
    throw new KeyferryError(
      'journal-foreign',
      `The folder of run ${head.run} already has a journal; it was left as it is.`,
      {
        hint: 'Start a new run.',
      },
    );
  }
  const partial = join(dir, PARTIAL_FILE);
  try {
    await rm(partial, { force: true });
    await createPrivateFile(partial);
    const database = await openSqlite({ path: partial });
    try {
      await fill(database, head, items, clock);
    } finally {
      database.close();
    }
    await syncFile(partial);
    await rename(partial, join(dir, JOURNAL_FILE));
    await syncFolder(dir);
  } catch (error) {
    const what = `The journal of run ${head.run} could not be made`;
    const told = fileError(stateError(error, { what, consequence: 'Nothing was started.', dir }), what);
    await rm(partial, { force: true }).catch(() => undefined);
    throw told;
  }
}

async function fill(
  database: SqliteDatabase,
  head: NewJournal['head'],
  items: AsyncIterable<PlanItem>,
  clock: () => number,
): Promise<void> {
  database.exec(
    `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};`,
  );
  database.exec('BEGIN');
  database.exec(CREATE_TABLES);
  const commitment = await insertItems(database, items);
  database.exec(CREATE_STATE_INDEX);
  const check: Entry = { kind: 'check', name: ITEMS_CHECK, result: 'passed', detail: commitment };
  insertEntries(database, [head, check], clock);
  database.exec('COMMIT');
  // Last, so that the items do not pass through the log; the mode is kept in the file.
  database.exec('PRAGMA journal_mode = WAL');
}

async function insertItems(database: SqliteDatabase, items: AsyncIterable<PlanItem>): Promise<ItemsCommitment> {
  const insertItem = database.prepare('INSERT INTO items (idx, line) VALUES (?, ?)');
  // One statement for a whole turn: a call for each of a million rows costs more than the rows.
  const insertStates = database.prepare(`INSERT INTO states (idx, state, seq)
    WITH RECURSIVE places (idx) AS (SELECT ? UNION ALL SELECT idx + 1 FROM places WHERE idx + 1 < ?)
    SELECT idx, 0, 0 FROM places`);
  const sha256 = createHash('sha256');
  let lines: string[] = [];
  let count = 0;
  const finishTurn = () => {
    if (lines.length === 0) return;
    insertStates.run(count - lines.length, count);
    sha256.update(`${lines.join('\n')}\n`);
    lines = [];
  };
  for await (const item of items) {
    if (item.index !== count) throw new Error(`item ${item.index} of the plan came in place ${count}`);
    const line = JSON.stringify(item);
    insertItem.run(count, line);
    lines.push(line);
    count += 1;
    if (lines.length < TURN) continue;
    finishTurn();
    await nextTurn();
  }
  finishTurn();
  return { items: count, sha256: sha256.digest('hex') };
}

function insertEntries(database: SqliteDatabase, entries: readonly Entry[], clock: () => number): void {
  const insert = database.prepare(
    'INSERT INTO entries (seq, at, kind, scope, item, hash, payload) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const chain = new HashChain();
  for (const [index, entry] of entries.entries()) {
    const [seq, at, payload, columns] = [index + 1, clock(), encodeEntry(entry), columnsOf(entry)];
    insert.run(seq, at, columns.kind, columns.scope, columns.item, chain.append(seq, at, payload), payload);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
