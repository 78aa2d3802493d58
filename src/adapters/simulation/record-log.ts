/**
 * An append-only file of records that survives kill -9 and a power cut, and that several processes may append to at once.
 * One record = magic u32, length u32, CRC-32 of the payload u32, payload; one write() with O_APPEND each, so records never interleave.
 * A torn record (the machine stopped in the middle of a write) stays in the file: whoever meets it appends a tear mark that names its
 * position, and every reader skips from there to the mark. Nothing is ever cut off under another process. Never fsynced: like SoftHSM.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { KeyferryError } from '../../errors/keyferry-error.ts';

const HEAD_BYTES = 12;
const RECORD_MAGIC = 0x6b66_7231;
/** Tear mark: this text, then the position f64, then the CRC-32 of text and position. */
const TEAR_TEXT = Buffer.from('kftear!!', 'latin1');
const TEAR_BYTES = TEAR_TEXT.length + 12;
/** A key with its attributes is some kilobytes; a longer length is damage. */
const MAX_PAYLOAD_BYTES = 1 << 20;
const READ_CHUNK_BYTES = 1 << 20;
/** A live writer finishes its write() long before this; what is still incomplete afterwards is torn. */
const TEAR_PATIENCE_MS = 100;

/** A record with room for a payload of so many bytes: fill `payloadOf` it, then seal it. */
export const newRecord = (payloadBytes: number): Buffer => Buffer.allocUnsafe(HEAD_BYTES + payloadBytes);

export const payloadOf = (record: Buffer): Buffer => record.subarray(HEAD_BYTES);

export function sealRecord(record: Buffer): Buffer {
  const payload = payloadOf(record);
  record.writeUInt32LE(RECORD_MAGIC, 0);
  record.writeUInt32LE(payload.length, 4);
  record.writeUInt32LE(crc32(payload), 8);
  return record;
}

function tearMark(position: number): Buffer {
  const mark = Buffer.alloc(TEAR_BYTES);
  mark.set(TEAR_TEXT);
  mark.writeDoubleLE(position, TEAR_TEXT.length);
  mark.writeUInt32LE(crc32(mark.subarray(0, TEAR_TEXT.length + 8)), TEAR_TEXT.length + 8);
  return mark;
}

/** The position that a tear mark at `at` names, or null when there is no mark. */
function readTearMark(bytes: Buffer, at: number): number | null {
  if (bytes.length - at < TEAR_BYTES || bytes.compare(TEAR_TEXT, 0, TEAR_TEXT.length, at, at + TEAR_TEXT.length) !== 0)
    return null;
  if (crc32(bytes.subarray(at, at + TEAR_TEXT.length + 8)) !== bytes.readUInt32LE(at + TEAR_TEXT.length + 8))
    return null;
  return bytes.readDoubleLE(at + TEAR_TEXT.length);
}

function hasWholeRecord(bytes: Buffer): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(RECORD_MAGIC, 0);
  for (let at = bytes.indexOf(magic); at >= 0 && bytes.length - at >= HEAD_BYTES; at = bytes.indexOf(magic, at + 1)) {
    const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 4);
    if (end <= bytes.length && crc32(bytes.subarray(at + HEAD_BYTES, end)) === bytes.readUInt32LE(at + 8)) return true;
  }
  return false;
}

export class RecordLog {
  readonly #path: string;
  readonly #fd: number;
  readonly #apply: (payload: Buffer) => void;
  /** Everything before it was applied. */
  #position = 0;
  /** Bytes appended by this process since the last catch-up: their effects are in memory already. */
  #ownBytes = 0;
  #isTornByUs = false;

  /** `apply` gets each payload in order, also of records that other processes append later. */
  constructor(path: string, apply: (payload: Buffer) => void) {
    this.#path = path;
    this.#apply = apply;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_APPEND);
    this.catchUp();
    if (this.#position < fstatSync(this.#fd).size) this.#settleTail();
  }

  /** Applies what other processes appended since; this process's own records may be applied again. */
  catchUp(): void {
    const { size } = fstatSync(this.#fd);
    if (size === this.#position) return;
    if (size === this.#position + this.#ownBytes) {
      this.#position = size;
      this.#ownBytes = 0;
      return;
    }
    this.#ownBytes = 0;
    this.#readTo(size);
  }

  /** One durable-in-order change. Throws KeyferryError `disk-full` when it was not written whole. */
  append(record: Buffer): void {
    if (this.#isTornByUs) {
      this.catchUp();
      this.#markTear();
      this.#isTornByUs = false;
    }
    let written = 0;
    try {
      written = writeSync(this.#fd, record);
    } catch (cause) {
      throw this.#notWritten(cause);
    }
    if (written === record.length) {
      this.#ownBytes += record.length;
      return;
    }
    this.#isTornByUs = written > 0;
    throw this.#notWritten(undefined);
  }

  /** For records whose effect must be counted exactly once: the effect comes from reading, never from memory. */
  appendAndRead(record: Buffer): void {
    this.append(record);
    this.#ownBytes -= record.length;
    this.catchUp();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #notWritten(cause: unknown): KeyferryError {
    return new KeyferryError('disk-full', `the simulated device could not write ${this.#path}`, { cause });
  }

  #readTo(size: number): void {
    let pending: Buffer = Buffer.alloc(0);
    let readAt = this.#position;
    while (readAt < size) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, size - readAt));
      const count = readSync(this.#fd, chunk, 0, chunk.length, readAt);
      if (count === 0) break;
      readAt += count;
      pending = pending.length === 0 ? chunk.subarray(0, count) : Buffer.concat([pending, chunk.subarray(0, count)]);
      pending = pending.subarray(this.#consume(pending));
    }
    if (pending.length > 0) this.#skipTear(pending);
  }

  /** Applies the whole records at the start of `bytes`; gives how many bytes they took. */
  #consume(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      if (readTearMark(bytes, at) !== null) {
        at += TEAR_BYTES;
        this.#position += TEAR_BYTES;
        continue;
      }
      if (bytes.readUInt32LE(at) !== RECORD_MAGIC) break;
      const length = bytes.readUInt32LE(at + 4);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + HEAD_BYTES, end);
      if (crc32(payload) !== bytes.readUInt32LE(at + 8)) break;
      this.#apply(Buffer.from(payload));
      this.#position += end - at;
      at = end;
    }
    return at;
  }

  /** `rest` starts with something that is no whole record: skipped when a tear mark says so, damage when whole data follows it. */
  #skipTear(rest: Buffer): void {
    for (let at = rest.indexOf(TEAR_TEXT); at >= 0; at = rest.indexOf(TEAR_TEXT, at + 1)) {
      if (readTearMark(rest, at) !== this.#position) continue;
      this.#position += at + TEAR_BYTES;
      const after = rest.subarray(at + TEAR_BYTES);
      const left = after.subarray(this.#consume(after));
      if (left.length > 0) this.#skipTear(left);
      return;
    }
    if (this.#isDamaged(rest)) {
      throw new KeyferryError('simulator-state', `${this.#path} is damaged at byte ${this.#position}`);
    }
  }

  /** A torn record is the last thing in the file and a beginning of a good one (or zeros); anything else was changed afterwards. */
  #isDamaged(rest: Buffer): boolean {
    if (rest.every((byte) => byte === 0)) return false;
    if (rest.length < HEAD_BYTES) return false;
    const isRecord = rest.readUInt32LE(0) === RECORD_MAGIC && rest.readUInt32LE(4) <= MAX_PAYLOAD_BYTES;
    if (!isRecord && readTearMark(rest, 0) === null && !rest.subarray(0, TEAR_TEXT.length).equals(TEAR_TEXT))
      return true;
    return isRecord && (HEAD_BYTES + rest.readUInt32LE(4) <= rest.length || hasWholeRecord(rest.subarray(1)));
  }

  /** Marks a tail that stays incomplete as torn, so that what is appended next can be read. */
  #settleTail(): void {
    const before = fstatSync(this.#fd).size;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TEAR_PATIENCE_MS);
    this.catchUp();
    const { size } = fstatSync(this.#fd);
    if (this.#position < size && size === before) this.#markTear();
  }

  #markTear(): void {
    writeSync(this.#fd, tearMark(this.#position));
    this.catchUp();
  }
}
