/** A file that holds a key in clear: read whole, its bytes handed over to be wiped. Who else may read or change it is looked at as well. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { ClearKey, type ClearKeyType } from '../../../keys/clear-key.ts';
import { checkClearKey } from '../../../keys/clear-key-check.ts';

/** More is no key, in whatever text it may be written. */
const LARGEST_BYTES = 4096;
const GROUP_OR_OTHERS_WRITE = 0o022;
const GROUP_OR_OTHERS_READ = 0o044;

export interface KeyFile {
  /** The caller wipes it. */
  readonly key: ClearKey;
  readonly notes: readonly string[];
}

/**
 * Rejects with `file-unreadable`, `file-unsafe` when others could have put another key there, or `argument-invalid` when the bytes are no
 * key of the type. No message holds a byte of the file.
 */
export async function readKeyFile(path: string, type: ClearKeyType): Promise<KeyFile> {
  const { bytes, mode } = await readBytes(path);
  const { problem, notes } = checkClearKey(type, bytes);
  const unsafe = (mode & GROUP_OR_OTHERS_WRITE) !== 0;
  if (problem !== null || unsafe) {
    bytes.fill(0);
    if (problem !== null) throw failure('argument-invalid', `${path} cannot be imported: ${problem}.`);
    throw failure('file-unsafe', `${path} can be written by others, who may have put another key there.`);
  }
  const open = (mode & GROUP_OR_OTHERS_READ) === 0 ? [] : [`others on this computer can read ${path}`];
  return { key: new ClearKey(type, bytes), notes: [...notes, ...open] };
}

async function readBytes(path: string): Promise<{ readonly bytes: Uint8Array; readonly mode: number }> {
  try {
    // A named pipe would be waited for without end.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      const { size, mode } = stats;
      if (!stats.isFile()) throw failure('file-unreadable', `${path} is no file.`);
      if (size === 0 || size > LARGEST_BYTES) {
        throw failure('argument-invalid', `${path} cannot be imported: it holds ${size} bytes, which is no key.`);
      }
      const bytes = new Uint8Array(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      if (bytesRead === size) return { bytes, mode };
      bytes.fill(0);
      throw failure('file-unreadable', `${path} changed while it was read.`);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof KeyferryError) throw cause;
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw failure('file-unreadable', `${path} cannot be read (${why}).`, cause);
  }
}

const failure = (
  code: 'file-unreadable' | 'file-unsafe' | 'argument-invalid',
  message: string,
  cause?: unknown,
): KeyferryError =>
  new KeyferryError(code, message, {
    scope: 'item',
    ...(code === 'argument-invalid' ? { hint: 'Put the right file there, or leave it out.' } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
