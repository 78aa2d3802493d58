/**
 * The journal on one machine's disk: SQLite in WAL mode, synchronous=FULL. One process writes (run-lock.ts sees to that), any number
 * read. A log (-wal) that was cut off loses its newest commits without a sign; the hash chain cannot show that either, and it need not:
 * a run that starts from an older copy enumerates its target before its first create.
 */
import { join } from 'node:path';
import type { PlanItem } from '../../plan/model.ts';
import type { Counts, Entry, ItemState, Journal, StoredEntry, StoredItem } from '../journal.ts';
import { writeNewJournal } from './create-journal.ts';
import { HashChain } from './hash-chain.ts';
import { readError } from './journal-damage.ts';
import {
  type EntryFilter,
  type JournalFile,
  readCounts,
  readEntries,
  readItems,
  readOpenIntents,
} from './journal-reader.ts';
import { type JournalTuning, JournalWriter } from './journal-writer.ts';
import { checkContent, checkFile, type JournalStart } from './open-checks.ts';
import { JOURNAL_FILE } from './schema.ts';
import { openSqlite } from './sqlite.ts';
import { type VerifiedChain, verifyJournal } from './verify-chain.ts';
import { openForWriting } from './writing-database.ts';

export interface CreateJournalOptions extends JournalTuning {
  /** The run's folder; it exists and is private. */
  readonly dir: string;
  readonly run: string;
  readonly head: Extract<Entry, { kind: 'run' }>;
  /** In plan order. All begin as `pending`, whatever the plan's action: the engine records what becomes of each. */
  readonly items: AsyncIterable<PlanItem>;
}

export interface OpenJournalOptions extends JournalTuning {
  readonly dir: string;
  readonly run: string;
  /** For status and reports, beside a running owner too. Default false. */
  readonly readOnly?: boolean;
}

/** Resolves when the new journal is durable as a whole. Rejects with `journal-foreign`, `disk-full`, `state-unwritable`. */
export async function createJournal(options: CreateJournalOptions): Promise<Journal> {
  const { dir, run, head, items, ...tuning } = options;
  if (head.run !== run) throw new Error(`the head of run ${head.run} for the journal of run ${run}`);
  await writeNewJournal({ dir, head, items, clock: tuning.clock ?? Date.now });
  return openJournal({ dir, run, ...tuning });
}

/** Rejects with `journal-damaged`, `journal-foreign`, `journal-newer`, `state-unwritable`, and has then changed nothing. */
export async function openJournal(options: OpenJournalOptions): Promise<Journal> {
  const { dir, run, readOnly = false, ...tuning } = options;
  await checkFile(dir, run);
  try {
    const path = join(dir, JOURNAL_FILE);
    const reading = await openSqlite({ path, readOnly: true, busyTimeoutMs: 5_000 });
    const file = { database: reading, run, dir };
    let start: JournalStart;
    try {
      reading.exec('BEGIN');
      start = checkContent(file);
      reading.exec('COMMIT');
      if (readOnly) return new ReadOnlyJournal(file, start);
      reading.close();
    } catch (error) {
      reading.close();
      throw error;
    }
    const database = await openForWriting(path);
    return new WritableJournal({ database, run, dir }, start, tuning);
  } catch (error) {
    throw readError(run, dir, error);
  }
}

abstract class SqliteJournal implements Journal {
  readonly run: string;
  protected readonly file: JournalFile;
  readonly #head: Extract<Entry, { kind: 'run' }>;

  constructor(file: JournalFile, start: JournalStart) {
    this.run = file.run;
    this.file = file;
    this.#head = start.head;
  }

  abstract append(entry: Entry): Promise<void>;
  abstract note(entry: Entry): void;
  abstract flush(): Promise<void>;
  abstract resetItems(states: readonly ItemState[], generation: number): Promise<number>;
  abstract counts(): Counts;

  items(states?: readonly ItemState[]): AsyncIterable<StoredItem> {
    return readItems(this.file, states);
  }

  entries(filter?: EntryFilter): Iterable<StoredEntry> {
    return readEntries(this.file, filter);
  }

  openIntents(): Iterable<StoredEntry> {
    return readOpenIntents(this.file);
  }

  head(): Extract<Entry, { kind: 'run' }> {
    return this.#head;
  }

  async verifyChain(): Promise<VerifiedChain> {
    return verifyJournal(this.file.dir, this.run);
  }

  async close(): Promise<void> {
    this.file.database.close();
  }
}

class WritableJournal extends SqliteJournal {
  readonly #writer: JournalWriter;

  constructor(file: JournalFile, start: JournalStart, tuning: JournalTuning) {
    super(file, start);
    const { lastSeq, lastHash, openIntents, counts } = start;
    this.#writer = new JournalWriter({ file, chain: new HashChain(lastHash), lastSeq, openIntents, counts, tuning });
  }

  append(entry: Entry): Promise<void> {
    return this.#writer.append(entry);
  }

  note(entry: Entry): void {
    this.#writer.note(entry);
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  resetItems(states: readonly ItemState[], generation: number): Promise<number> {
    return this.#writer.resetItems(states, generation);
  }

  counts(): Counts {
    return this.#writer.counts();
  }

  override async verifyChain(): Promise<VerifiedChain> {
    await this.flush();
    return super.verifyChain();
  }

  override async close(): Promise<void> {
    try {
      await this.#writer.close();
    } finally {
      await super.close();
    }
  }
}

class ReadOnlyJournal extends SqliteJournal {
  /** Asked anew each time: the owner may be at work. */
  counts(): Counts {
    return readCounts(this.file);
  }

  async append(): Promise<never> {
    throw this.#refusal();
  }

  note(): never {
    throw this.#refusal();
  }

  async flush(): Promise<void> {}

  async resetItems(): Promise<never> {
    throw this.#refusal();
  }

  #refusal(): Error {
    return new Error(`the journal of run ${this.run} was opened for reading`);
  }
}
