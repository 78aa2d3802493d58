/**
 * Writes a group of entries, with what they do to the items' states, in one transaction. Used where the journal is written: in the
 * engine's thread at first, in a thread of its own once a run has shown that it is long (commit-thread.ts).
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { ItemState } from '../journal.ts';
import type { JournalFile } from './journal-reader.ts';
import { STATE_CODES, stateOfCode } from './schema.ts';
import { stateError } from './sqlite-error.ts';
import { prepareStatements, type WriterStatements } from './writer-statements.ts';

/** An entry as it goes into the tables. Structured-cloneable. */
export interface EntryRow {
  readonly seq: number;
  readonly at: number;
  readonly kind: number;
  readonly scope: number;
  readonly item: number;
  readonly payload: string;
  /** The entry is an intent: its call is open. */
  readonly opens: boolean;
  /** Number of the intent whose call this entry ends, 0: none. */
  readonly closes: number;
  /** The state that its item is in from now on. */
  readonly moves: ItemState | null;
  /** Items in these states become pending. */
  readonly resets: readonly ItemState[] | null;
}

export interface RowGroup {
  readonly rows: readonly EntryRow[];
  /** The rows' hashes, 32 bytes each, one after the other. */
  readonly hashes: Uint8Array;
}

/** What a group did to the items. */
export interface GroupEffect {
  /** State → items more or fewer in it. */
  readonly counts: Readonly<Record<ItemState, number>>;
  /** Number of each reset → items that it made pending. */
  readonly resets: ReadonlyMap<number, number>;
}

const HASH_BYTES = 32;

export class GroupWriter {
  readonly #file: Pick<JournalFile, 'database' | 'run'>;
  readonly #statements: WriterStatements;

  constructor(file: Pick<JournalFile, 'database' | 'run'>) {
    this.#file = file;
    this.#statements = prepareStatements(file);
  }

  /** Begins a transaction: `commit` or `rollBack` comes next. */
  write({ rows, hashes }: RowGroup): GroupEffect {
    const effect = {
      counts: { pending: 0, migrated: 0, skipped: 0, failed: 0, 'needs-attention': 0 },
      resets: new Map<number, number>(),
    };
    const statements = this.#statements;
    statements.begin.run();
    let at = 0;
    for (const row of rows) {
      const hash = hashes.subarray(at, at + HASH_BYTES);
      at += HASH_BYTES;
      statements.insertEntry.run(row.seq, row.at, row.kind, row.scope, row.item, hash, row.payload);
      if (row.opens) statements.openIntent.run(row.seq);
      if (row.closes > 0) statements.closeIntent.run(row.closes);
      if (row.moves !== null && row.item >= 0) this.#move(row.item, row.moves, row.seq, effect.counts);
      if (row.resets !== null) effect.resets.set(row.seq, this.#reset(row.resets, row.seq, effect.counts));
    }
    return effect;
  }

  commit(): void {
    this.#statements.commit.run();
  }

  rollBack(): void {
    try {
      this.#statements.rollBack.run();
    } catch {
      // SQLite rolls back by itself on a full disk and on I/O errors; then there is no transaction left to end.
    }
  }

  #move(item: number, to: ItemState, seq: number, counts: Record<ItemState, number>): void {
    const from = stateOfCode(this.#statements.stateOf.get(item)?.state);
    if (from === undefined)
      throw new KeyferryError('journal-damaged', `The journal of run ${this.#file.run} has lost item ${item}.`);
    this.#statements.moveItem.run(STATE_CODES[to], seq, item);
    counts[from] -= 1;
    counts[to] += 1;
  }

  #reset(states: readonly ItemState[], seq: number, counts: Record<ItemState, number>): number {
    let total = 0;
    for (const state of new Set(states)) {
      const items = Number(this.#statements.countOf.get(STATE_CODES[state])?.items ?? 0);
      if (items === 0) continue;
      this.#statements.resetItems.run(STATE_CODES.pending, seq, STATE_CODES[state]);
      counts[state] -= items;
      counts.pending += items;
      total += items;
    }
    return total;
  }
}

/** What a failed commit is told as. Bugs come back as they are. */
export function writeError(cause: unknown, { run, dir }: Pick<JournalFile, 'run' | 'dir'>): unknown {
  return stateError(cause, {
    what: `The journal of run ${run} could not be written`,
    consequence:
      'Calls that were in flight may have changed the devices without an outcome in the journal; resume asks the devices.',
    outcome: 'unknown',
    dir,
  });
}
