/** Replies of commands that create an object: its id, and for those that take it from a wrapped one also its type. */
import { ANY_ID, isReservedId } from '../wire/object-types.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';

export interface ObjectRef {
  readonly type: number;
  readonly id: number;
}

/** The device may only choose where it was asked to. */
export function decodeCreatedId(reply: Uint8Array, askedId: number): number {
  const reader = new ByteReader(reply);
  const id = reader.u16();
  reader.end();
  return checkedId(id, askedId);
}

export function checkedId(id: number, askedId: number): number {
  if (isReservedId(id)) throw new WireError(`the id ${id} cannot be that of an object`);
  if (askedId !== ANY_ID && id !== askedId)
    throw new WireError(`the object has id ${id}, and ${askedId} was asked for`);
  return id;
}

export function decodeObjectRef(reply: Uint8Array): ObjectRef {
  const reader = new ByteReader(reply);
  const type = reader.u8();
  const id = reader.u16();
  reader.end();
  return { type, id: checkedId(id, ANY_ID) };
}
