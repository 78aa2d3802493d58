/**
 * What is inside a wrapped object (export-wrapped, export-rsa-wrapped) once it is opened: 59 bytes of header, then the body. Not documented by
 * Yubico; read from its own offline tool (yubihsm-wrap). An authentication or wrap key's delegated capabilities stand in the body.
 */
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

export interface WrappedObject {
  /** Of the wrap key: `aes256-ccm-wrap` for one. */
  readonly wrapAlgorithm: number;
  readonly capabilities: bigint;
  readonly id: number;
  readonly domains: number;
  readonly type: number;
  readonly algorithm: number;
  readonly sequence: number;
  readonly origin: number;
  readonly label: Uint8Array;
  readonly body: Uint8Array;
}

export const WRAPPED_HEADER_BYTES = 59;

export function encodeWrappedObject(object: WrappedObject): Uint8Array {
  return new ByteWriter()
    .u8(object.wrapAlgorithm)
    .u64(object.capabilities)
    .u16(object.id)
    .u16(object.body.length)
    .u16(object.domains)
    .u8(object.type)
    .u8(object.algorithm)
    .u8(object.sequence)
    .u8(object.origin)
    .label(object.label)
    .bytes(object.body)
    .toBytes();
}

/** Throws WireError when the length in the header is not that of the body. */
export function decodeWrappedObject(bytes: Uint8Array): WrappedObject {
  const reader = new ByteReader(bytes);
  const wrapAlgorithm = reader.u8();
  const capabilities = reader.u64();
  const id = reader.u16();
  const length = reader.u16();
  const header = {
    wrapAlgorithm,
    capabilities,
    id,
    domains: reader.u16(),
    type: reader.u8(),
    algorithm: reader.u8(),
    sequence: reader.u8(),
    origin: reader.u8(),
    label: reader.label(),
  };
  const body = reader.bytes(length);
  reader.end();
  return { ...header, body };
}
