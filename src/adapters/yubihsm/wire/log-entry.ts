/**
 * The device's audit log: entries of 32 bytes, each with 16 bytes of SHA-256 over its own first half and the digest before it
 * (developers.yubico.com/YubiHSM2/Concepts/Logs.html). The first entry that one ever saw anchors the chain; it proves nothing by itself.
 */
import { createHash } from 'node:crypto';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

export const LOG_DIGEST_BYTES = 16;
/** Places in the log's ring. */
export const LOG_PLACES = 62;
/** Stands where a command has no such object. */
export const NO_OBJECT = 0xffff;

export interface LogEntry {
  /** Counts up, wraps at 65536. */
  readonly number: number;
  readonly command: number;
  /** Bytes of the command's payload. */
  readonly length: number;
  /** Authentication key of the session. */
  readonly sessionKey: number;
  readonly targetKey: number;
  readonly secondKey: number;
  /** Type of the reply, or the error byte. */
  readonly result: number;
  /** The device's own tick count; it has no clock. */
  readonly tick: number;
  readonly digest: Uint8Array;
}

function encodeFields(entry: Omit<LogEntry, 'digest'>): Uint8Array {
  return new ByteWriter()
    .u16(entry.number)
    .u8(entry.command)
    .u16(entry.length)
    .u16(entry.sessionKey)
    .u16(entry.targetKey)
    .u16(entry.secondKey)
    .u8(entry.result)
    .u32(entry.tick)
    .toBytes();
}

export function encodeLogEntry(entry: LogEntry): Uint8Array {
  return new ByteWriter().bytes(encodeFields(entry)).fixed(entry.digest, LOG_DIGEST_BYTES, 'a log digest').toBytes();
}

export function readLogEntry(reader: ByteReader): LogEntry {
  return {
    number: reader.u16(),
    command: reader.u8(),
    length: reader.u16(),
    sessionKey: reader.u16(),
    targetKey: reader.u16(),
    secondKey: reader.u16(),
    result: reader.u8(),
    tick: reader.u32(),
    digest: reader.bytes(LOG_DIGEST_BYTES),
  };
}

/** The digest that an entry must bear after one whose digest was `previous`. */
export function logDigest(entry: Omit<LogEntry, 'digest'>, previous: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update(encodeFields(entry)).update(previous).digest();
  return new Uint8Array(hash.subarray(0, LOG_DIGEST_BYTES));
}

/** Is `entry` the very next one after `previous`, and unaltered? */
export function followsInLog(entry: LogEntry, previous: LogEntry): boolean {
  if (entry.number !== ((previous.number + 1) & 0xffff)) return false;
  return Buffer.compare(entry.digest, logDigest(entry, previous.digest)) === 0;
}

export interface DeviceLog {
  /** Events that force-audit could not log because the log was full. */
  readonly unloggedBoots: number;
  readonly unloggedAuthentications: number;
  readonly entries: readonly LogEntry[];
}

export function encodeDeviceLog(log: DeviceLog): Uint8Array {
  const writer = new ByteWriter().u16(log.unloggedBoots).u16(log.unloggedAuthentications).u8(log.entries.length);
  for (const entry of log.entries) writer.bytes(encodeLogEntry(entry));
  return writer.toBytes();
}

export function decodeDeviceLog(bytes: Uint8Array): DeviceLog {
  const reader = new ByteReader(bytes);
  const unloggedBoots = reader.u16();
  const unloggedAuthentications = reader.u16();
  const count = reader.u8();
  const entries = Array.from({ length: count }, () => readLogEntry(reader));
  reader.end();
  return { unloggedBoots, unloggedAuthentications, entries };
}
