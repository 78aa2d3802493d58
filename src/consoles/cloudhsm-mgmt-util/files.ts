/** Files that a command names. What cannot be read or written is a Misuse: no HSM has been asked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Misuse } from '../command.ts';

/** Tokens, signatures and keys are small. */
const MAX_BYTES = 65_536;

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';

export function readNamedFile(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new Misuse(`The file ${path} could not be read (${reasonOf(error)}); nothing was done.`);
  }
  if (bytes.length > MAX_BYTES)
    throw new Misuse(`The file ${path} is larger than ${MAX_BYTES} bytes; nothing was done.`);
  return bytes;
}

export function writeNamedFile(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: 0o600 });
  } catch (error) {
    throw new Misuse(`The file ${path} could not be written (${reasonOf(error)}).`);
  }
}
