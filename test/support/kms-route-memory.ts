/** The memory of a process that was stopped, as a debugger sees it (Linux): what of it is in memory, region by region. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Place } from './canary-search.ts';

/** Nothing that a program works with is larger; such regions are reserved, not used. */
const MOST_BYTES = 1 << 30;

/** The process should be stopped: else it changes while it is read. */
export function* memoryOf(pid: number): Iterable<Place> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from = '', to = '', rights = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
      const start = BigInt(`0x${from || 0}`);
      const length = Number(BigInt(`0x${to || 0}`) - start);
      // What cannot be written holds programs.
      if (!rights.startsWith('rw') || length > MOST_BYTES) continue;
      const bytes = Buffer.alloc(length);
      const read = readRegion(memory, bytes, start);
      if (read > 0) yield { where: `memory of ${pid} at ${from}`, bytes: bytes.subarray(0, read) };
    }
  } finally {
    closeSync(memory);
  }
}

function readRegion(memory: number, bytes: Buffer, start: bigint): number {
  try {
    return readSync(memory, bytes, 0, bytes.length, start);
  } catch {
    return 0;
  }
}
