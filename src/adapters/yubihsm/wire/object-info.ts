/** What the device says of one object: the 66 bytes of `get-object-info`. */
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

export interface ObjectInfo {
  readonly capabilities: bigint;
  readonly id: number;
  /** Bytes that the object takes, by the device's own count. */
  readonly length: number;
  readonly domains: number;
  readonly type: number;
  readonly algorithm: number;
  /** Counts how often this type and id was written; wraps at 256. */
  readonly sequence: number;
  readonly origin: number;
  readonly label: Uint8Array;
  readonly delegatedCapabilities: bigint;
}

export function encodeObjectInfo(info: ObjectInfo): Uint8Array {
  return new ByteWriter()
    .u64(info.capabilities)
    .u16(info.id)
    .u16(info.length)
    .u16(info.domains)
    .u8(info.type)
    .u8(info.algorithm)
    .u8(info.sequence)
    .u8(info.origin)
    .label(info.label)
    .u64(info.delegatedCapabilities)
    .toBytes();
}

export function decodeObjectInfo(bytes: Uint8Array): ObjectInfo {
  const reader = new ByteReader(bytes);
  const info = {
    capabilities: reader.u64(),
    id: reader.u16(),
    length: reader.u16(),
    domains: reader.u16(),
    type: reader.u8(),
    algorithm: reader.u8(),
    sequence: reader.u8(),
    origin: reader.u8(),
    label: reader.label(),
    delegatedCapabilities: reader.u64(),
  };
  reader.end();
  return info;
}
