/**
 * The reading half of a journal. Everything is read in pages, each by statements that are finished before the page is given out:
 * nothing stays open while the caller works, so the owner's commits never meet a statement in progress. What it gives is durable.
 */
import type { PlanItem } from '../../plan/model.ts';
import type { Counts, Entry, ItemState, Journal, StoredEntry, StoredItem } from '../journal.ts';
import { decodeEntry } from './entry-codec.ts';
import { journalDamaged, readingJournal } from './journal-damage.ts';
import { KIND_CODES, RUN_SCOPES, SCOPE_CODES, STATE_CODES, stateOfCode } from './schema.ts';
import type { SqliteDatabase, SqliteRow, SqliteValue } from './sqlite.ts';

const PAGE = 256;

export type EntryFilter = NonNullable<Parameters<Journal['entries']>[0]>;

export interface JournalFile {
  readonly database: SqliteDatabase;
  readonly run: string;
  readonly dir: string;
}

export function* readEntries(file: JournalFile, filter: EntryFilter = {}): Generator<StoredEntry> {
  // SQLite finds no plan for an index that is named and an empty list.
  if (filter.kinds?.length === 0 || filter.scopes?.length === 0) return;
  const statement = readingJournal(file.run, file.dir, () => file.database.prepare(entryQuery(filter)));
  const item = filter.item === undefined ? [] : [filter.item];
  let after = 0;
  for (;;) {
    const page = readingJournal(file.run, file.dir, () => statement.all(after, ...item));
    for (const row of page) {
      const stored = storedEntry(file.run, row);
      after = stored.seq;
      yield stored;
    }
    if (page.length < PAGE) return;
  }
}

export function* readOpenIntents(file: JournalFile): Generator<StoredEntry> {
  const statement = readingJournal(file.run, file.dir, () =>
    file.database.prepare(
      `SELECT e.seq, e.at, e.hash, e.payload FROM open_intents o JOIN entries e ON e.seq = o.seq WHERE o.seq > ? ORDER BY o.seq LIMIT ${PAGE}`,
    ),
  );
  let after = 0;
  for (;;) {
    const page = readingJournal(file.run, file.dir, () => statement.all(after));
    for (const row of page) {
      const stored = storedEntry(file.run, row);
      after = stored.seq;
      yield stored;
    }
    if (page.length < PAGE) return;
  }
}

export async function* readItems(file: JournalFile, states?: readonly ItemState[]): AsyncGenerator<StoredItem> {
  const statement = readingJournal(file.run, file.dir, () => file.database.prepare(itemQuery(states)));
  let after = -1;
  for (;;) {
    const page = readingJournal(file.run, file.dir, () => statement.all(after));
    for (const row of page) {
      after = Number(row.idx);
      yield storedItem(file.run, row);
    }
    if (page.length < PAGE) return;
  }
}

export function readCounts(file: JournalFile): Counts {
  const rows = readingJournal(file.run, file.dir, () =>
    file.database.prepare('SELECT state, count(*) AS items FROM states GROUP BY state').all(),
  );
  const byState = new Map(rows.map((row) => [Number(row.state), Number(row.items)]));
  for (const state of byState.keys()) {
    if (stateOfCode(state) === undefined)
      throw journalDamaged(file.run, `there are items in an unknown state (${state})`);
  }
  return countsOf((state) => byState.get(STATE_CODES[state]) ?? 0);
}

export function countsOf(inState: (state: ItemState) => number): Counts {
  const [pending, migrated, skipped] = [inState('pending'), inState('migrated'), inState('skipped')];
  const [failed, needsAttention] = [inState('failed'), inState('needs-attention')];
  return {
    total: pending + migrated + skipped + failed + needsAttention,
    pending,
    migrated,
    skipped,
    failed,
    needsAttention,
  };
}

export function storedEntry(run: string, row: SqliteRow): StoredEntry {
  const seq = Number(row.seq);
  if (!(row.hash instanceof Uint8Array)) throw journalDamaged(run, `entry ${seq} has no hash`);
  return {
    seq,
    at: Number(row.at),
    hash: Buffer.from(row.hash).toString('hex'),
    entry: parse(run, `entry ${seq}`, () => decodeEntry(String(row.payload))),
  };
}

/** The entry's own index comes first: a million entries of items must not be read to find the few of the run. */
function entryQuery(filter: EntryFilter): string {
  const { kinds, scopes, item } = filter;
  const conditions = ['seq > ?'];
  let source = 'entries';
  if (item !== undefined) {
    conditions.push('item = ?');
    if (item >= 0) conditions.push('item >= 0');
  }
  if (item === undefined ? concernsRunOnly(filter) : item < 0) {
    source = 'entries INDEXED BY entries_of_run';
    conditions.push('item < 0');
  }
  if (kinds !== undefined) conditions.push(`kind IN (${kinds.map((kind) => KIND_CODES[kind]).join()})`);
  if (scopes !== undefined) conditions.push(`scope IN (${scopes.map((scope) => SCOPE_CODES[scope]).join()})`);
  return `SELECT seq, at, hash, payload FROM ${source} WHERE ${conditions.join(' AND ')} ORDER BY seq LIMIT ${PAGE}`;
}

const ITEM_KINDS: ReadonlySet<Entry['kind']> = new Set(['intent', 'outcome', 'item']);

function concernsRunOnly({ kinds, scopes }: EntryFilter): boolean {
  if (scopes?.every((scope) => RUN_SCOPES.has(scope))) return true;
  return kinds?.every((kind) => !ITEM_KINDS.has(kind)) ?? false;
}

/**
 * One state: by its index. Several: by place in the plan, passing over the others, since the index would have to be sorted anew for
 * every page; `+` keeps SQLite from trying.
 */
function itemQuery(states: readonly ItemState[] | undefined): string {
  const codes: SqliteValue[] = (states ?? []).map((state) => STATE_CODES[state]);
  const condition =
    states === undefined ? '' : codes.length === 1 ? `AND s.state = ${codes[0]}` : `AND +s.state IN (${codes.join()})`;
  return `SELECT s.idx, s.state, s.seq, i.line, e.payload FROM states s
    LEFT JOIN items i ON i.idx = s.idx LEFT JOIN entries e ON e.seq = s.seq
    WHERE s.idx > ? ${condition} ORDER BY s.idx LIMIT ${PAGE}`;
}

function storedItem(run: string, row: SqliteRow): StoredItem {
  const name = `item ${Number(row.idx)}`;
  const state = stateOfCode(row.state);
  if (state === undefined) throw journalDamaged(run, `${name} is in an unknown state`);
  if (typeof row.line !== 'string') throw journalDamaged(run, `${name} has lost its line of the plan`);
  if (Number(row.seq) > 0 && typeof row.payload !== 'string') throw journalDamaged(run, `${name} has lost its entry`);
  const { line, payload } = row;
  const item = parse(run, name, () => JSON.parse(line) as PlanItem);
  const entry = typeof payload === 'string' ? parse(run, name, () => decodeEntry(payload)) : null;
  if (entry?.kind !== 'item') return { item, state, reason: null, target: null, verification: null, error: null };
  return {
    item,
    state,
    reason: entry.reason ?? null,
    target: entry.target ?? null,
    verification: entry.verification ?? null,
    error: entry.error ?? null,
  };
}

function parse<T>(run: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw journalDamaged(run, `${name} cannot be read`, error);
  }
}
