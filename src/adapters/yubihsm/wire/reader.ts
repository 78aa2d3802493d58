/** Reads a message field by field, big-endian. Never reads beyond the end, and `end` refuses what is left over. Throws WireError. */
import { LABEL_BYTES, trimLabel } from './label.ts';
import { WireError } from './wire-error.ts';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** A copy, so that wiping or reusing the message does not change it. Not by `slice`: a Buffer's is a view. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** 40 bytes, padding taken off. */
  label(): Uint8Array {
    return trimLabel(this.bytes(LABEL_BYTES));
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  end(): void {
    if (this.remaining !== 0) throw new WireError(`${this.remaining} bytes too many`);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (!Number.isInteger(length) || length < 0) throw new WireError('a length is not a number of bytes');
    if (length > this.remaining) throw new WireError(`${length} bytes wanted where ${this.remaining} are left`);
    this.#at = start + length;
    return start;
  }
}
