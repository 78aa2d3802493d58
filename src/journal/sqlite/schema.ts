/**
 * The journal's tables, and the numbers by which a file is known as one. `entries` is what happened and is only ever added to; `items`
 * is the plan's lines and never changes; `states` and `open_intents` only repeat what the entries say, so that a run of millions of
 * entries opens at once. `item` is OUTSIDE where an entry speaks of no item, and negative for the canary.
 */
import type { Entry, EntryScope, ItemState } from '../journal.ts';

export const JOURNAL_FILE = 'journal.db';
/** A journal that is being created: renamed when complete, so a crash before that leaves no run. */
export const PARTIAL_FILE = 'journal.db.partial';

/** "kfjl" at offset 68 of the file. https://www.sqlite.org/fileformat.html#application_id */
export const APPLICATION_ID = 0x6b666a6c;
/** `user_version`. A file with a higher one is refused. */
export const SCHEMA_VERSION = 1;

export const OUTSIDE = -2;

export const CREATE_TABLES = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, scope INTEGER NOT NULL, item INTEGER NOT NULL,
    hash BLOB NOT NULL, payload TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_item ON entries (item) WHERE item >= 0;
  CREATE INDEX entries_of_run ON entries (seq) WHERE item < 0;
  CREATE TABLE items (idx INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
  CREATE TABLE states (idx INTEGER PRIMARY KEY, state INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
  CREATE TABLE open_intents (seq INTEGER PRIMARY KEY) STRICT;
`;
/** After the items are in: an index filled in order is smaller and quicker than one kept through a million inserts. */
export const CREATE_STATE_INDEX = 'CREATE INDEX states_by_state ON states (state)';

/** Numbers are in files: never renumber, only add. */
export const KIND_CODES = {
  run: 0,
  owner: 1,
  phase: 2,
  intent: 3,
  outcome: 4,
  item: 5,
  check: 6,
  leftover: 7,
  cancel: 8,
  reset: 9,
  approval: 10,
} as const satisfies Record<Entry['kind'], number>;

export const NO_SCOPE = 0;
export const SCOPE_CODES = {
  prepare: 1,
  canary: 2,
  each: 3,
  'after-each': 4,
  undo: 5,
  finally: 6,
} as const satisfies Record<EntryScope, number>;

export const STATE_CODES = {
  pending: 0,
  migrated: 1,
  skipped: 2,
  failed: 3,
  'needs-attention': 4,
} as const satisfies Record<ItemState, number>;

const STATES: readonly ItemState[] = ['pending', 'migrated', 'skipped', 'failed', 'needs-attention'];

/** Undefined for a number that is none. */
export function stateOfCode(code: unknown): ItemState | undefined {
  return STATES[Number(code)];
}

/** What an entry's columns repeat of its payload. */
export interface EntryColumns {
  readonly kind: number;
  readonly scope: number;
  readonly item: number;
}

export function columnsOf(entry: Entry): EntryColumns {
  const kind = KIND_CODES[entry.kind];
  switch (entry.kind) {
    case 'intent':
    case 'outcome':
      return { kind, scope: SCOPE_CODES[entry.call.scope], item: entry.call.item ?? OUTSIDE };
    case 'item':
      return { kind, scope: NO_SCOPE, item: entry.item };
    default:
      return { kind, scope: NO_SCOPE, item: OUTSIDE };
  }
}

/** Scopes whose calls never belong to an item of the plan; what `entries_of_run` holds of intents and outcomes. */
export const RUN_SCOPES: ReadonlySet<EntryScope> = new Set(['prepare', 'canary', 'finally']);
