/** Walks stored entries and finds the first that is not what was written there. */
import type { StoredEntry } from '../journal.ts';
import { HashChain } from './hash-chain.ts';
import { journalDamaged } from './journal-damage.ts';
import { storedEntry } from './journal-reader.ts';
import type { OpenIntents } from './open-intents.ts';
import { columnsOf } from './schema.ts';
import type { SqliteRow } from './sqlite.ts';

/** Every entry in turn: numbered without a gap, its hash right, its columns agreeing with its payload. */
export class ChainCheck {
  readonly #run: string;
  readonly #chain: HashChain;
  #lastSeq: number;

  constructor(run: string, lastSeq: number, lastHash: Uint8Array) {
    this.#run = run;
    this.#lastSeq = lastSeq;
    this.#chain = new HashChain(lastHash);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get lastHash(): Uint8Array {
    return this.#chain.last;
  }

  next(row: SqliteRow): StoredEntry {
    const seq = Number(row.seq);
    if (seq !== this.#lastSeq + 1) {
      throw journalDamaged(this.#run, `entry ${this.#lastSeq + 1} is missing (${seq} follows ${this.#lastSeq})`);
    }
    const hash = hashOf(this.#run, row);
    if (Buffer.compare(this.#chain.append(seq, Number(row.at), String(row.payload)), hash) !== 0) {
      throw journalDamaged(this.#run, `entry ${seq} was altered, or what comes before it was`);
    }
    this.#lastSeq = seq;
    const stored = storedEntry(this.#run, row);
    const { kind, scope, item } = columnsOf(stored.entry);
    if (kind !== row.kind || scope !== row.scope || item !== row.item) {
      throw journalDamaged(this.#run, `the columns of entry ${seq} were altered`);
    }
    return stored;
  }
}

export function hashOf(run: string, row: SqliteRow): Uint8Array {
  if (row.hash instanceof Uint8Array && row.hash.length === 32) return row.hash;
  throw journalDamaged(run, `entry ${Number(row.seq)} has no hash`);
}

/** Follows the open calls through entries that were stored: two intents for one open call were never written by keyferry. */
export function replayIntents(run: string, openIntents: OpenIntents, { seq, entry }: StoredEntry): void {
  try {
    openIntents.apply(seq, entry);
  } catch (error) {
    throw journalDamaged(run, `entry ${seq} begins a call that had begun already`, error);
  }
}
