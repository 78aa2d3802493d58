/**
 * Walks a whole journal: every entry's place and hash, every line of the plan against the commitment, and that the item states and the
 * list of open calls are what the entries say. Works on a snapshot of its own, so the run may go on meanwhile.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredEntry } from '../journal.ts';
import { ChainCheck, replayIntents } from './chain-check.ts';
import { CHAIN_START } from './hash-chain.ts';
import { journalDamaged, readError } from './journal-damage.ts';
import type { JournalFile } from './journal-reader.ts';
import { checkContent } from './open-checks.ts';
import { OpenIntents } from './open-intents.ts';
import { JOURNAL_FILE, STATE_CODES } from './schema.ts';
import { openSqlite, type SqliteRow } from './sqlite.ts';

const PAGE = 1_000;

export interface VerifiedChain {
  readonly entries: number;
  /** Hash of the last entry, hex. */
  readonly head: string;
}

/** Rejects with `journal-damaged` naming the first thing that is wrong. */
export async function verifyJournal(dir: string, run: string): Promise<VerifiedChain> {
  try {
    const database = await openSqlite({ path: join(dir, JOURNAL_FILE), readOnly: true, busyTimeoutMs: 5_000 });
    try {
      // One snapshot for all that follows: it begins with the first read and ends with the connection.
      database.exec('BEGIN');
      return await walk({ database, run, dir });
    } finally {
      database.close();
    }
  } catch (error) {
    throw readError(run, dir, error);
  }
}

async function walk(file: JournalFile): Promise<VerifiedChain> {
  const { run } = file;
  const { commitment } = checkContent(file);
  const chain = new ChainCheck(run, 0, CHAIN_START);
  const openIntents = new OpenIntents();
  const states = new ReplayedStates(commitment.items);
  await eachRow(file, 'SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?', 'seq', (row) => {
    const stored = chain.next(row);
    replayIntents(run, openIntents, stored);
    states.apply(stored);
  });
  await checkLines(file, commitment.sha256);
  await eachRow(file, 'SELECT * FROM states WHERE idx > ? ORDER BY idx LIMIT ?', 'idx', (row) => {
    const idx = Number(row.idx);
    if (!states.agrees(idx, row)) throw journalDamaged(run, `the state of item ${idx} is not what its entries say`);
  });
  const listed = file.database.prepare('SELECT seq FROM open_intents ORDER BY seq').all();
  if (listed.map((row) => row.seq).join() !== openIntents.seqs().join()) {
    throw journalDamaged(run, 'its list of open calls does not agree with its entries');
  }
  return { entries: chain.lastSeq, head: Buffer.from(chain.lastHash).toString('hex') };
}

async function checkLines(file: JournalFile, sha256: string): Promise<void> {
  const lines = createHash('sha256');
  await eachRow(file, 'SELECT idx, line FROM items WHERE idx > ? ORDER BY idx LIMIT ?', 'idx', (row) => {
    lines.update(String(row.line)).update('\n');
  });
  if (lines.digest('hex') !== sha256) throw journalDamaged(file.run, 'the items are not those it was made for');
}

async function eachRow(
  file: JournalFile,
  sql: string,
  place: 'seq' | 'idx',
  visit: (row: SqliteRow) => void,
): Promise<void> {
  const statement = file.database.prepare(sql);
  let after = place === 'idx' ? -1 : 0;
  for (;;) {
    const page = statement.all(after, PAGE);
    for (const row of page) visit(row);
    if (page.length < PAGE) return;
    after = Number(page.at(-1)?.[place]);
    await nextTurn();
  }
}

/** What the entries say of each item: nine bytes an item, so a million items fit. */
class ReplayedStates {
  readonly #state: Uint8Array;
  readonly #seq: Float64Array;

  constructor(items: number) {
    this.#state = new Uint8Array(items);
    this.#seq = new Float64Array(items);
  }

  apply({ seq, entry }: StoredEntry): void {
    if (entry.kind === 'item' && entry.item >= 0) {
      this.#state[entry.item] = STATE_CODES[entry.state];
      this.#seq[entry.item] = seq;
    } else if (entry.kind === 'reset') {
      const reset = new Set<number>(entry.states.map((state) => STATE_CODES[state]));
      for (const [item, state] of this.#state.entries()) {
        if (!reset.has(state)) continue;
        this.#state[item] = STATE_CODES.pending;
        this.#seq[item] = seq;
      }
    }
  }

  agrees(item: number, row: SqliteRow): boolean {
    return this.#state[item] === row.state && this.#seq[item] === row.seq;
  }
}
