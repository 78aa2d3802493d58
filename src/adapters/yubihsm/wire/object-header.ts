/** What every command that creates an object begins with: id, label, domains, capabilities, algorithm (53 bytes). */
import type { ByteReader } from './reader.ts';
import type { ByteWriter } from './writer.ts';

export interface ObjectHeader {
  /** 0: the device picks one. */
  readonly id: number;
  /** Up to 40 bytes, without padding. */
  readonly label: Uint8Array;
  /** Mask: domain n is bit n-1. */
  readonly domains: number;
  readonly capabilities: bigint;
  readonly algorithm: number;
}

export const OBJECT_HEADER_BYTES = 53;

export function writeObjectHeader(writer: ByteWriter, header: ObjectHeader): ByteWriter {
  return writer.u16(header.id).label(header.label).u16(header.domains).u64(header.capabilities).u8(header.algorithm);
}

export function readObjectHeader(reader: ByteReader): ObjectHeader {
  return {
    id: reader.u16(),
    label: reader.label(),
    domains: reader.u16(),
    capabilities: reader.u64(),
    algorithm: reader.u8(),
  };
}
