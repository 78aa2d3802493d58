/**
 * Files of lines, read and written in blocks: what spools and plan files are made of. Calls are synchronous because every block comes
 * from, or goes to, the page cache; a promise per line would cost more than the line.
 */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { ErrorCode } from '../errors/codes.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';

const BLOCK_BYTES = 65_536;
/** No line that keyferry writes comes near this; a foreign file without line ends must not fill the memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** What the file system refused, as an error for operators. Anything that is not a system error is rethrown as it is. */
export function fileError(cause: unknown, path: string, what: string, code: ErrorCode): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) {
    return cause;
  }
  const native = { name: String((cause as NodeJS.ErrnoException).code ?? 'unknown') };
  const isFull = native.name === 'ENOSPC' || native.name === 'EDQUOT';
  return new KeyferryError(isFull ? 'disk-full' : code, `${what} ${path}: ${native.name}`, { native, cause });
}

/** Writes a new file, 0600, which must not exist. */
export class LineWriter {
  readonly #fd: number;
  readonly path: string;
  #pending: string[] = [];
  #pendingBytes = 0;
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx', 0o600);
  }

  /** Offset in bytes at which the line begins. */
  write(line: string): number {
    const offset = this.#bytes;
    const length = Buffer.byteLength(line) + 1;
    this.#pending.push(line);
    this.#bytes += length;
    this.#pendingBytes += length;
    if (this.#pendingBytes >= BLOCK_BYTES) {
      this.flush();
    }
    return offset;
  }

  flush(): void {
    if (this.#pending.length === 0) {
      return;
    }
    const block = Buffer.from(`${this.#pending.join('\n')}\n`);
    this.#pending = [];
    this.#pendingBytes = 0;
    for (let done = 0; done < block.length; ) {
      done += writeSync(this.#fd, block, done);
    }
  }

  /** `isDurable`: the bytes are on the disk when this returns. */
  close(options: { readonly isDurable: boolean } = { isDurable: false }): void {
    try {
      this.flush();
      if (options.isDurable) {
        fsyncSync(this.#fd);
      }
    } finally {
      closeSync(this.#fd);
    }
  }
}

export interface Line {
  readonly text: string;
  /** False for a last line without line end: the file was cut off. */
  readonly isWhole: boolean;
}

/**
 * The file's lines in order, from the byte at `start`, which must begin a line. Throws what the file system throws, and `RangeError` for a
 * line that is too long.
 */
export function* linesOf(path: string, start = 0): Generator<Line, void, undefined> {
  const fd = openSync(path, 'r');
  let position = start;
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    let rest: Buffer[] = [];
    let restBytes = 0;
    for (;;) {
      const length = readSync(fd, block, 0, BLOCK_BYTES, position);
      if (length === 0) {
        break;
      }
      position += length;
      const filled = block.subarray(0, length);
      let from = 0;
      for (let end = filled.indexOf(NEWLINE); end !== -1; end = filled.indexOf(NEWLINE, from)) {
        rest.push(filled.subarray(from, end));
        yield { text: Buffer.concat(rest).toString('utf8'), isWhole: true };
        rest = [];
        restBytes = 0;
        from = end + 1;
      }
      restBytes += length - from;
      if (restBytes > MAX_LINE_BYTES) {
        throw new RangeError('line too long');
      }
      if (from < length) {
        rest.push(Buffer.from(filled.subarray(from)));
      }
    }
    if (rest.length > 0) {
      yield { text: Buffer.concat(rest).toString('utf8'), isWhole: false };
    }
  } finally {
    closeSync(fd);
  }
}
