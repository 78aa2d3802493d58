/** Files that a command of the simulated tool names. What cannot be read or written is refused in the simulator's words. */
import { readFileSync, writeFileSync } from 'node:fs';
import { HsmRefusal } from '../../cluster/cluster.ts';

/** The longest wrapped key and the longest PEM are far shorter. */
const MAX_BYTES = 1_048_576;

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';

export function readNamedFile(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new HsmRefusal('file', null, `the file ${path} could not be read (${reasonOf(error)})`);
  }
  if (bytes.length <= MAX_BYTES) return bytes;
  throw new HsmRefusal('file', null, `the file ${path} is longer than any key`);
}

/** Over an old file of that name. */
export function writeNamedFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw new HsmRefusal('file', null, `the file ${path} could not be written (${reasonOf(error)})`);
  }
}

/** A file that is there already is left alone: it may be the only copy of another wrapped key. */
export function writeNewFile(path: string, bytes: Uint8Array | string): void {
  try {
    writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new HsmRefusal('file', null, `the file ${path} could not be written (${reasonOf(error)})`);
  }
}
