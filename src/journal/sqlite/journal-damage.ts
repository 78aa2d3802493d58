/** What is said when a journal is not what keyferry wrote. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { sqliteCode, stateError } from './sqlite-error.ts';

/** `what`: a clause without a full stop, such as "entry 17 was altered". */
export function journalDamaged(run: string, what: string, cause?: unknown): KeyferryError {
  return new KeyferryError('journal-damaged', `The journal of run ${run} is damaged: ${what}. Nothing was changed.`, {
    cause,
  });
}

/** Runs what reads a journal; an SQLite error that speaks of the file's content means damage, others that it cannot be had. */
export function readingJournal<T>(run: string, dir: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw readError(run, dir, error);
  }
}

export function readError(run: string, dir: string, error: unknown): unknown {
  const native = sqliteCode(error);
  if (native === undefined) return error;
  const reason = (error as Error).message;
  const isOtherSchema = native === 'SQLITE_ERROR' && /^no such (?:table|column|index)/.test(reason);
  if (native === 'SQLITE_CORRUPT' || native === 'SQLITE_NOTADB' || isOtherSchema)
    return journalDamaged(run, reason, error);
  return stateError(error, { what: `The journal of run ${run} could not be read`, dir });
}
