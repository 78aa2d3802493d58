/** Writes a message field by field, big-endian. A value that does not fit its field throws WireError instead of being cut. */
import { LABEL_BYTES } from './label.ts';
import { WireError } from './wire-error.ts';

export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#unsigned(value, 1);
  }

  u16(value: number): this {
    return this.#unsigned(value, 2);
  }

  u32(value: number): this {
    return this.#unsigned(value, 4);
  }

  u64(value: bigint): this {
    if (value < 0n || value >= 1n << 64n) throw new WireError('a mask does not fit into 64 bits');
    const part = Buffer.alloc(8);
    part.writeBigUInt64BE(value);
    return this.bytes(part);
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  /** Exactly so many bytes: a key of another length is a mistake that the device would only call wrong length. */
  fixed(value: Uint8Array, length: number, what: string): this {
    if (value.length !== length) throw new WireError(`${what} has ${value.length} bytes instead of ${length}`);
    return this.bytes(value);
  }

  label(value: Uint8Array): this {
    if (value.length > LABEL_BYTES)
      throw new WireError(`a label has ${value.length} bytes; ${LABEL_BYTES} is the most`);
    const part = new Uint8Array(LABEL_BYTES);
    part.set(value);
    return this.bytes(part);
  }

  toBytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  #unsigned(value: number, length: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= 256 ** length) {
      throw new WireError(`${value} does not fit into ${length} byte${length === 1 ? '' : 's'}`);
    }
    const part = Buffer.alloc(length);
    part.writeUIntBE(value, 0, length);
    return this.bytes(part);
  }
}
