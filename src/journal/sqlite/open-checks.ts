/**
 * What is checked before a journal is trusted: that the file is a whole SQLite database and ours, of a version we know, of this run, and
 * that its newest entries hang together. Cheap enough for a journal of millions of entries; `verifyChain` walks all of it.
 *
 * The checks read through a connection that cannot write: SQLite plays any log that lies beside a database into it, one of another
 * database too, and a connection that can write would make that last. What comes of a foreign or torn log shows in the chain.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { fileError } from '../../home/file-error.ts';
import { pathExists } from '../../home/private-file.ts';
import type { Counts, Entry, StoredEntry } from '../journal.ts';
import { ChainCheck, hashOf, replayIntents } from './chain-check.ts';
import { ITEMS_CHECK, type ItemsCommitment } from './create-journal.ts';
import { CHAIN_START } from './hash-chain.ts';
import { journalDamaged } from './journal-damage.ts';
import { type JournalFile, readCounts, readOpenIntents, storedEntry } from './journal-reader.ts';
import { OpenIntents } from './open-intents.ts';
import { APPLICATION_ID, JOURNAL_FILE, PARTIAL_FILE, SCHEMA_VERSION } from './schema.ts';

/** Entries whose chain is checked at every open. */
const TAIL = 1_000;

const SQLITE_MAGIC = 'SQLite format 3\0';

/** What a sound journal is at the moment it is opened. */
export interface JournalStart {
  readonly head: Extract<Entry, { kind: 'run' }>;
  readonly commitment: ItemsCommitment;
  readonly lastSeq: number;
  readonly lastHash: Uint8Array;
  readonly openIntents: OpenIntents;
  readonly counts: Counts;
}

/** Looks at the file itself, before SQLite does. https://www.sqlite.org/fileformat.html#the_database_header */
export async function checkFile(dir: string, run: string): Promise<void> {
  const path = join(dir, JOURNAL_FILE);
  const what = `The journal of run ${run} could not be read`;
  try {
    if (!(await pathExists(path))) throw await missing(dir, run);
    const hasLog = await pathExists(`${path}-wal`);
    const file = await open(path, 'r');
    try {
      const header = Buffer.alloc(100);
      const { bytesRead } = await file.read(header, 0, header.length, 0);
      const { size } = await file.stat();
      checkHeader(run, header.subarray(0, bytesRead), size, hasLog);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, what);
  }
}

async function missing(dir: string, run: string): Promise<KeyferryError> {
  if (!(await pathExists(join(dir, PARTIAL_FILE)))) return journalDamaged(run, `there is no ${JOURNAL_FILE}`);
  return new KeyferryError(
    'journal-damaged',
    `The journal of run ${run} was never completed: the run had not started and nothing was changed.`,
    {
      hint: `Unless a run is being planned into it right now, delete the folder ${dir} and start a new run.`,
    },
  );
}

function checkHeader(run: string, header: Buffer, size: number, hasLog: boolean): void {
  if (header.length < 100) throw journalDamaged(run, `${JOURNAL_FILE} is cut off after ${size} bytes`);
  if (header.toString('latin1', 0, 16) !== SQLITE_MAGIC)
    throw journalDamaged(run, `${JOURNAL_FILE} is not an SQLite database`);
  if (header.readUInt32BE(68) !== APPLICATION_ID) {
    throw new KeyferryError(
      'journal-foreign',
      `${JOURNAL_FILE} of run ${run} is a database that keyferry did not make. Nothing was changed.`,
    );
  }
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const expected = header.readUInt32BE(28) * pageBytes;
  // While a log exists, pages of the database may still be in it.
  if (size < expected && !hasLog) throw journalDamaged(run, `${JOURNAL_FILE} has ${size} of its ${expected} bytes`);
}

/** Throws `journal-newer`, `journal-foreign`, `journal-damaged`. */
export function checkContent(file: JournalFile): JournalStart {
  const { database, run } = file;
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version > SCHEMA_VERSION) {
    throw new KeyferryError(
      'journal-newer',
      `The journal of run ${run} has format ${version}; this version of keyferry knows ${SCHEMA_VERSION}. Nothing was changed.`,
    );
  }
  if (version !== SCHEMA_VERSION) throw journalDamaged(run, `it has the unknown format ${version}`);
  const { head, commitment } = checkBeginning(file);
  const tail = checkTail(file);
  const openIntents = new OpenIntents();
  for (const stored of readOpenIntents(file)) {
    if (stored.entry.kind !== 'intent')
      throw journalDamaged(run, `entry ${stored.seq} is listed as an open call and is none`);
    replayIntents(run, openIntents, stored);
  }
  checkOpenIntents(run, tail.entries, openIntents);
  const counts = readCounts(file);
  checkItems(file, commitment, counts);
  return { head, commitment, lastSeq: tail.lastSeq, lastHash: tail.lastHash, openIntents, counts };
}

function checkBeginning({ database, run }: JournalFile): Pick<JournalStart, 'head' | 'commitment'> {
  const rows = database.prepare('SELECT * FROM entries WHERE seq <= 2 ORDER BY seq').all();
  const [head, check] = [rows[0], rows[1]].map((row) => (row === undefined ? undefined : storedEntry(run, row).entry));
  if (head?.kind !== 'run') throw journalDamaged(run, 'it has no head');
  if (head.run !== run) {
    throw new KeyferryError(
      'journal-foreign',
      `The folder of run ${run} holds the journal of run ${head.run}. Nothing was changed.`,
    );
  }
  if (check?.kind !== 'check' || check.name !== ITEMS_CHECK)
    throw journalDamaged(run, 'its commitment to the items is missing');
  const chain = new ChainCheck(run, 0, CHAIN_START);
  for (const row of rows) chain.next(row);
  return { head, commitment: check.detail as ItemsCommitment };
}

function checkTail({ database, run }: JournalFile) {
  // One more than is checked: its hash is where the chain is taken up.
  const rows = database
    .prepare(`SELECT * FROM entries ORDER BY seq DESC LIMIT ${TAIL + 1}`)
    .all()
    .reverse();
  const isWhole = rows.length <= TAIL;
  const before = isWhole ? undefined : rows.shift();
  const chain =
    before === undefined
      ? new ChainCheck(run, 0, CHAIN_START)
      : new ChainCheck(run, Number(before.seq), hashOf(run, before));
  const entries = rows.map((row) => chain.next(row));
  return { entries, lastSeq: chain.lastSeq, lastHash: chain.lastHash };
}

/** Among the newest entries, exactly the calls that have no end are listed as open. */
function checkOpenIntents(run: string, tail: readonly StoredEntry[], listed: OpenIntents): void {
  const replayed = new OpenIntents();
  for (const stored of tail) replayIntents(run, replayed, stored);
  const first = tail[0]?.seq ?? 0;
  const recent = listed.seqs().filter((seq) => seq >= first);
  if (recent.join() !== replayed.seqs().join())
    throw journalDamaged(run, 'its list of open calls does not agree with its entries');
}

function checkItems({ database, run }: JournalFile, { items }: ItemsCommitment, counts: Counts): void {
  const last = Number(database.prepare('SELECT coalesce(max(idx), -1) AS last FROM items').get()?.last);
  if (counts.total !== items || last !== items - 1) {
    throw journalDamaged(run, `it was made for ${items} items and holds ${Math.min(counts.total, last + 1)}`);
  }
}
