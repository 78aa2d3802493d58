/** The operating system's file errors as keyferry's: what the disk or its permissions refuse is the operator's to mend. */
import { KeyferryError } from '../errors/keyferry-error.ts';

const UNWRITABLE: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EIO',
  'ENOTDIR',
  'ENOENT',
  'EEXIST',
  'EISDIR',
  'EMFILE',
  'ENFILE',
  'ELOOP',
  'ENAMETOOLONG',
]);

/** `what`: the start of a sentence, such as "The home folder could not be made". Other errors are given back as they are. */
export function fileError(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || error instanceof KeyferryError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new KeyferryError('disk-full', `${what}: ${error.message}.`, { cause: error });
  if (code === undefined || !UNWRITABLE.has(code)) return error;
  return new KeyferryError('state-unwritable', `${what}: ${error.message}.`, { native: { name: code }, cause: error });
}
