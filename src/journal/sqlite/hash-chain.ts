/**
 * The chain over the entries: hash_n = SHA-256(hash_{n-1} ‖ seq ‖ at ‖ payload), seq and at as 64-bit big-endian numbers, payload as the
 * UTF-8 bytes that are stored. It shows whatever was altered, exchanged, put in or taken out in the middle. It cannot show that the
 * newest entries are missing: an older copy of a journal is a sound journal, and safe, because a run enumerates its target first.
 */
import { hash as digest } from 'node:crypto';

/** Stands for the hash before the first entry. */
export const CHAIN_START: Uint8Array = digest('sha256', 'keyferry-journal-v1', 'buffer');

const HEADER_BYTES = 32 + 8 + 8;

export class HashChain {
  #last: Uint8Array;
  /** Reused: an allocation per entry would cost as much as its hash. */
  #scratch = Buffer.allocUnsafe(16_384);

  constructor(last: Uint8Array = CHAIN_START) {
    this.#last = last;
  }

  get last(): Uint8Array {
    return this.#last;
  }

  /** The hash of the entry that follows; it becomes the last. */
  append(seq: number, at: number, payload: string): Uint8Array {
    // UTF-8 takes at most three bytes per UTF-16 unit.
    const capacity = HEADER_BYTES + payload.length * 3;
    if (capacity > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(capacity * 2);
    const scratch = this.#scratch;
    scratch.set(this.#last, 0);
    writeUint64(scratch, seq, 32);
    writeUint64(scratch, at, 40);
    const payloadBytes = scratch.write(payload, HEADER_BYTES, 'utf8');
    this.#last = digest('sha256', scratch.subarray(0, HEADER_BYTES + payloadBytes), 'buffer');
    return this.#last;
  }
}

function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  target.writeUInt32BE(value % 2 ** 32, offset + 4);
}
