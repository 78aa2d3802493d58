/**
 * What other processes ask of a run's owner: inbox.db in the run's folder. Posting is durable when it resolves. A message is given out
 * by one read and deleted by the next (or by close), so one that its owner read and crashed over reaches the next owner.
 */
import { join } from 'node:path';
import { fileError } from '../home/file-error.ts';
import { createPrivateFile } from '../home/private-file.ts';
import type { InboxMessage } from './run-store.ts';
import { openSqlite, type SqliteDatabase } from './sqlite/sqlite.ts';
import { stateError } from './sqlite/sqlite-error.ts';

const INBOX_FILE = 'inbox.db';
/** How long to wait for another process that is posting or reading. */
const BUSY_TIMEOUT_MS = 5_000;
const MAX_MESSAGE_CHARACTERS = 65_536;

export interface Inbox {
  /** Messages that came since the last call, oldest first. */
  read(): readonly InboxMessage[];
  close(): void;
}

/** Rejects with `disk-full`, `state-unwritable`. */
export async function postToInbox(dir: string, message: InboxMessage): Promise<void> {
  const text = JSON.stringify(message);
  if (text.length > MAX_MESSAGE_CHARACTERS) throw new Error(`a message of ${text.length} characters`);
  const database = await openInboxFile(dir);
  try {
    translating(dir, () => database.prepare('INSERT INTO messages (message) VALUES (?)').run(text));
  } finally {
    database.close();
  }
}

/** For the run's owner, who polls it. */
export async function openInbox(dir: string): Promise<Inbox> {
  const database = await openInboxFile(dir);
  const select = database.prepare('SELECT id, message FROM messages WHERE id > ? ORDER BY id');
  const remove = database.prepare('DELETE FROM messages WHERE id <= ?');
  let lastGiven = 0;
  let lastRemoved = 0;
  const removeGiven = () => {
    // Not at every poll: a delete is a commit, even of nothing.
    if (lastGiven === lastRemoved) return;
    remove.run(lastGiven);
    lastRemoved = lastGiven;
  };
  return {
    read: () =>
      translating(dir, () => {
        removeGiven();
        const rows = select.all(lastGiven);
        lastGiven = Number(rows.at(-1)?.id ?? lastGiven);
        return rows.map((row) => parseMessage(String(row.message))).filter((message) => message !== null);
      }),
    close: () => {
      try {
        translating(dir, removeGiven);
      } finally {
        database.close();
      }
    },
  };
}

async function openInboxFile(dir: string): Promise<SqliteDatabase> {
  const path = join(dir, INBOX_FILE);
  const what = `The inbox ${path} cannot be used`;
  try {
    await createPrivateFile(path);
    const database = await openSqlite({ path, busyTimeoutMs: BUSY_TIMEOUT_MS });
    try {
      database.exec('PRAGMA synchronous = FULL');
      // AUTOINCREMENT: an id is never given twice, so a message that comes while others are deleted cannot go with them.
      database.exec(
        'CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL) STRICT',
      );
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  } catch (error) {
    throw fileError(stateError(error, { what, dir }), what);
  }
}

function translating<T>(dir: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw stateError(error, { what: `The inbox in ${dir} cannot be used`, dir });
  }
}

/** Null for what no version of keyferry posts: the folder is private, so that is an accident and no reason to stop a run. */
function parseMessage(text: string): InboxMessage | null {
  try {
    const message = JSON.parse(text) as Partial<Record<string, unknown>>;
    const { kind, by, approver, publicKey, signature } = message;
    if (kind === 'cancel' && typeof by === 'string') return { kind, by };
    if (kind !== 'approve' || typeof approver !== 'string') return null;
    if (typeof publicKey !== 'string' || typeof signature !== 'string') return null;
    return { kind, approver, publicKey, signature };
  } catch {
    return null;
  }
}
