/**
 * Sorts any number of lines in flat memory: chunks are sorted in memory and written as runs, and the runs are merged while they are
 * read. Order is that of UTF-16 code units, so it is the same on every machine.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { LineWriter, linesOf } from './line-file.ts';

/** A chunk ends at whichever comes first. Larger ones are hardly faster, and what they leave behind for the garbage collector is memory. */
const CHUNK_LINES = 2048;
const CHUNK_CHARACTERS = 2 * 1024 * 1024;
/** So many runs of one level are merged into one of the next: a million keys open about 70 files, macOS allows 256. */
const RUNS_PER_LEVEL = 64;

export interface LineSorterOptions {
  /** Existing folder for the runs. */
  readonly folder: string;
  readonly chunkLines?: number;
  readonly runsPerLevel?: number;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class LineSorter {
  readonly #folder: string;
  readonly #chunkLines: number;
  readonly #runsPerLevel: number;
  #chunk: string[] = [];
  #characters = 0;
  /** Paths of the runs; a run of level n + 1 holds `runsPerLevel` runs of level n. */
  readonly #levels: string[][] = [];

  constructor(options: LineSorterOptions) {
    this.#folder = options.folder;
    this.#chunkLines = options.chunkLines ?? CHUNK_LINES;
    this.#runsPerLevel = options.runsPerLevel ?? RUNS_PER_LEVEL;
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
    if (this.#levels.length === 0) {
      yield* this.#chunk;
      return;
    }
    this.#spill();
    yield* merge(this.#levels.flat());
  }

  dispose(): void {
    this.#chunk = [];
    for (const run of this.#levels.splice(0).flat()) {
      rmSync(run, { force: true });
    }
  }

  #spill(): void {
    if (this.#chunk.length === 0) {
      return;
    }
    this.#chunk.sort(compare);
    this.#write(this.#chunk, 0);
    this.#chunk = [];
    this.#characters = 0;
    for (const [level, runs] of this.#levels.entries()) {
      if (runs.length >= this.#runsPerLevel) {
        this.#write(merge(runs), level + 1);
        for (const run of runs.splice(0)) {
          rmSync(run, { force: true });
        }
      }
    }
  }

  #write(lines: Iterable<string>, level: number): void {
    const writer = new LineWriter(join(this.#folder, `sort-${randomBytes(8).toString('hex')}.tmp`));
    const runs = this.#levels[level] ?? [];
    this.#levels[level] = runs;
    runs.push(writer.path);
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
