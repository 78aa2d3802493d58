/** `put-opaque`: bytes that the device keeps and does not look into. Whoever has `get-opaque` reads them in clear. */
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutOpaque extends ObjectHeader {
  readonly data: Uint8Array;
}

export const putOpaque: Command<PutOpaque, number> = {
  code: COMMAND['put-opaque'],
  effect: 'create',
  encode: (request) => writeObjectHeader(new ByteWriter(), request).bytes(request.data).toBytes(),
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
