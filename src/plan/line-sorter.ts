/**
 * Sorts any number of lines in flat memory: chunks are sorted in memory and written as runs, and the runs are merged while they are
 * read. Order is that of UTF-16 code units, so it is the same on every machine.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { LineWriter, linesOf } from './line-file.ts';

/** A chunk ends at whichever comes first; together about 16 MB. */
const CHUNK_LINES = 16_384;
const CHUNK_CHARACTERS = 8 * 1024 * 1024;
/** More open files than this are merged into one first. */
const MAX_RUNS = 256;

export interface LineSorterOptions {
  /** Existing folder for the runs. */
  readonly folder: string;
  readonly chunkLines?: number;
  readonly maxRuns?: number;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class LineSorter {
  readonly #folder: string;
  readonly #chunkLines: number;
  readonly #maxRuns: number;
  #chunk: string[] = [];
  #characters = 0;
  #runs: string[] = [];

  constructor(options: LineSorterOptions) {
    this.#folder = options.folder;
    this.#chunkLines = options.chunkLines ?? CHUNK_LINES;
    this.#maxRuns = options.maxRuns ?? MAX_RUNS;
  }

  add(line: string): void {
    this.#chunk.push(line);
    this.#characters += line.length;
    if (this.#chunk.length >= this.#chunkLines || this.#characters >= CHUNK_CHARACTERS) {
      this.#spill();
    }
  }

  /** The lines in order; may be called again until `dispose`. */
  *sorted(): Generator<string, void, undefined> {
    this.#chunk.sort(compare);
    if (this.#runs.length === 0) {
      yield* this.#chunk;
      return;
    }
    this.#spill();
    yield* merge(this.#runs);
  }

  dispose(): void {
    this.#chunk = [];
    for (const run of this.#runs) {
      rmSync(run, { force: true });
    }
    this.#runs = [];
  }

  #spill(): void {
    if (this.#chunk.length === 0) {
      return;
    }
    this.#chunk.sort(compare);
    this.#write(this.#chunk);
    this.#chunk = [];
    this.#characters = 0;
    if (this.#runs.length >= this.#maxRuns) {
      const old = this.#runs;
      this.#runs = [];
      try {
        this.#write(merge(old));
      } finally {
        for (const run of old) {
          rmSync(run, { force: true });
        }
      }
    }
  }

  #write(lines: Iterable<string>): void {
    const writer = new LineWriter(join(this.#folder, `sort-${randomBytes(8).toString('hex')}.tmp`));
    this.#runs.push(writer.path);
    try {
      for (const line of lines) {
        writer.write(line);
      }
    } finally {
      writer.close();
    }
  }
}

interface Run {
  line: string;
  readonly rest: Generator<{ readonly text: string }, void, undefined>;
}

/** K-way merge over a binary heap of the runs' next lines. */
function* merge(paths: readonly string[]): Generator<string, void, undefined> {
  const heap: Run[] = [];
  const all = paths.map((path) => linesOf(path));
  try {
    for (const rest of all) {
      const first = rest.next();
      if (first.done !== true) {
        heap.push({ line: first.value.text, rest });
      }
    }
    for (let at = heap.length >> 1; at >= 0; at -= 1) {
      sink(heap, at);
    }
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      yield top.line;
      const next = top.rest.next();
      if (next.done === true) {
        const last = heap.pop();
        if (last !== undefined && last !== top) {
          heap[0] = last;
        }
      } else {
        top.line = next.value.text;
      }
      sink(heap, 0);
    }
  } finally {
    for (const rest of all) {
      rest.return();
    }
  }
}

function sink(heap: Run[], from: number): void {
  let at = from;
  for (;;) {
    const here = heap[at];
    let child = 2 * at + 1;
    let least = heap[child];
    const right = heap[child + 1];
    if (right !== undefined && least !== undefined && right.line < least.line) {
      least = right;
      child += 1;
    }
    if (here === undefined || least === undefined || here.line <= least.line) {
      return;
    }
    heap[at] = least;
    heap[child] = here;
    at = child;
  }
}
