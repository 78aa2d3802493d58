/**
 * SQLite's result codes (https://www.sqlite.org/rescode.html) as keyferry's errors. node:sqlite gives the number in `errcode`,
 * better-sqlite3 the extended name in `code`.
 */
import { statfsSync } from 'node:fs';
import type { ErrorCode } from '../../errors/codes.ts';
import { type CallOutcome, KeyferryError } from '../../errors/keyferry-error.ts';

const PRIMARY_CODES: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
};

/** The primary result code's name; undefined for an error that is not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR') return PRIMARY_CODES[Number(errcode) & 0xff] ?? 'SQLITE_ERROR';
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined;
  return code.split('_').slice(0, 2).join('_');
}

export interface StateFailure {
  /** What failed, as the start of a sentence: "The journal of run 2026… could not be written". */
  readonly what: string;
  /** What may have changed, a sentence. */
  readonly consequence?: string;
  /** Default: not-applied. */
  readonly outcome?: CallOutcome;
  /** The folder whose file system is asked whether it is full. */
  readonly dir: string;
}

/** Gives errors that are not SQLite's back as they are: those are bugs, or keyferry's own. */
export function stateError(error: unknown, failure: StateFailure): unknown {
  const native = sqliteCode(error);
  if (native === undefined || error instanceof KeyferryError) return error;
  const code = errorCodeOf(native, failure.dir);
  if (code === null) return error;
  const reason = (error as Error).message;
  const consequence = failure.consequence === undefined ? '' : ` ${failure.consequence}`;
  return new KeyferryError(code, `${failure.what}: ${reason}.${consequence}`, {
    native: { name: native },
    ...(failure.outcome === undefined ? {} : { outcome: failure.outcome }),
    cause: error,
  });
}

function errorCodeOf(native: string, dir: string): ErrorCode | null {
  switch (native) {
    case 'SQLITE_FULL':
      return 'disk-full';
    case 'SQLITE_IOERR':
      // Growing the shared-memory file on a full disk is an I/O error, not SQLITE_FULL.
      return isDiskFull(dir) ? 'disk-full' : 'state-unwritable';
    case 'SQLITE_PERM':
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
      return 'state-unwritable';
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return 'journal-damaged';
    default:
      return null;
  }
}

function isDiskFull(dir: string): boolean {
  try {
    return statfsSync(dir).bavail === 0;
  } catch {
    return false;
  }
}
