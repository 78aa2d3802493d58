/** Files that a command names. What cannot be read or written is told in our words. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Ended } from './luna-client.ts';

/** A wrong path to something huge must not fill the memory. */
const MAX_BYTES = 1_048_576;

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';

export function readFileOrEnd(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Ended(`The file ${path} could not be read (${reasonOf(error)}); nothing was done.`);
  }
  if (bytes.length <= MAX_BYTES) return bytes;
  throw new Ended(`The file ${path} is too large to be a public key; nothing was done.`);
}

/** Only its owner may read it. A file that is there already is left alone: it may be the only copy of another wrapped key. */
export function writeNewFileOrEnd(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new Ended(`The file ${path} could not be written (${reasonOf(error)}).`);
  }
}
