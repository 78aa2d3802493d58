/** Tells a plan file from a playbook by what is in it, never by its name. */
import { open } from 'node:fs/promises';
import { KeyferryError } from '../errors/keyferry-error.ts';

const PROBE_BYTES = 65_536;

/** A plan file's first line is a JSON object with a digest, also where the rest is damaged: then it is refused as a plan. */
export async function isPlanFile(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PROBE_BYTES), 0, PROBE_BYTES, 0);
      const start = buffer.toString('utf8', 0, bytesRead);
      return start.startsWith('{') && /"(digest|itemsHash)"\s*:/.test(start);
    } finally {
      await file.close();
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new KeyferryError('file-unreadable', `${path} cannot be read (${reason}).`, { cause: error });
  }
}
