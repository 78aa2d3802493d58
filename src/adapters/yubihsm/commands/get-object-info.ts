/** `get-object-info`: all that the device says of one object; never anything secret. */
import { COMMAND } from '../wire/command-codes.ts';
import { decodeObjectInfo, type ObjectInfo } from '../wire/object-info.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import type { ObjectRef } from './created-object.ts';

export const getObjectInfo: Command<ObjectRef, ObjectInfo> = {
  code: COMMAND['get-object-info'],
  effect: 'read',
  encode: ({ id, type }) => new ByteWriter().u16(id).u8(type).toBytes(),
  decode(reply, request) {
    const info = decodeObjectInfo(reply);
    if (info.id !== request.id || info.type !== request.type) throw new WireError('the facts of another object');
    return info;
  },
};
