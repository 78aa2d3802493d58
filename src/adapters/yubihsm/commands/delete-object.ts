/** `delete-object`: for good. Needs the delete capability of the type in the session; the object has no say. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, decodeNothing } from './command.ts';
import type { ObjectRef } from './created-object.ts';

export const deleteObject: Command<ObjectRef, void> = {
  code: COMMAND['delete-object'],
  effect: 'destroy',
  encode: ({ id, type }) => new ByteWriter().u16(id).u8(type).toBytes(),
  decode: decodeNothing,
};
