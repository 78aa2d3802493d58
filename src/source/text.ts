/** Bytes of a file → text: UTF-8 only, a byte order mark dropped. Anything else is a problem with a place, never a guess. */
import { readFileSync } from 'node:fs';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Problems } from './problems.ts';

/** Larger files are no playbooks; the YAML parser is quadratic on some of them. */
const MAX_BYTES = 1_048_576;

/** Rejects with `file-unreadable`. */
export function readSource(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new KeyferryError('file-unreadable', `The file ${path} could not be read (${reason}).`, { cause });
  }
}

/** undefined when the bytes are no text; the problem is reported. */
export function decodeText(bytes: Uint8Array, file: string, problems: Problems): string | undefined {
  const start = { file, line: 1, column: 1 };
  if (bytes.length > MAX_BYTES) {
    problems.add(start, `the file is larger than ${MAX_BYTES} bytes`);
    return undefined;
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    problems.add(start, 'the file is UTF-16', 'save it as UTF-8');
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    problems.add(placeOfBadByte(bytes, file), 'the file is not UTF-8', 'save it as UTF-8');
    return undefined;
  }
}

/** Without a byte order mark, which would shift the first line's columns. */
export const stripByteOrderMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text);

function placeOfBadByte(bytes: Uint8Array, file: string): { file: string; line: number; column: number } {
  // Re-encoding what a lenient decoder read differs from the bytes for the first time at the bad one.
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(lenient);
  let bad = 0;
  while (bad < bytes.length && bytes[bad] === again[bad]) bad++;
  const before = new TextDecoder().decode(bytes.subarray(0, bad));
  const lastBreak = before.lastIndexOf('\n');
  return { file, line: before.split('\n').length, column: before.length - lastBreak };
}
