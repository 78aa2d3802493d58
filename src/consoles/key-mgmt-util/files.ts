/** Files that a command names. What cannot be read or written is told in words; it is nothing that an HSM said. */
import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { KmuSession } from './kmu-session.ts';
import { Ended } from './kmu-session.ts';

/** No key or token is larger; a wrong path to something huge must not fill the memory. */
const MAX_BYTES = 1_048_576;
const OWNER_ONLY = 0o600;

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}

export function readFileFor(session: KmuSession, path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= MAX_BYTES) return bytes;
    session.paragraph(`The file ${path} is too large to be what this command reads; nothing was done.`);
  } catch (error) {
    session.paragraph(`The file ${path} could not be read (${reasonOf(error)}); nothing was done.`);
  }
  throw new Ended();
}

/** Only its owner may read it: most of what is written here is key material, in clear or wrapped. */
export function writeFileFor(session: KmuSession, path: string, bytes: Uint8Array | string): void {
  try {
    const file = openSync(path, 'w', OWNER_ONLY);
    try {
      // A file that was there keeps its mode otherwise.
      if (fstatSync(file).isFile()) fchmodSync(file, OWNER_ONLY);
      writeFileSync(file, bytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    session.paragraph(`The file ${path} could not be written (${reasonOf(error)}).`);
    throw new Ended();
  }
}
