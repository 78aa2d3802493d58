/** `import-wrapped`: creates the object that `export-wrapped` made, id and label as they were. It may not exist yet. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeObjectRef, type ObjectRef } from './created-object.ts';

export interface ImportWrapped {
  readonly wrapKeyId: number;
  readonly wrapped: Uint8Array;
}

export const importWrapped: Command<ImportWrapped, ObjectRef> = {
  code: COMMAND['import-wrapped'],
  effect: 'create',
  encode: ({ wrapKeyId, wrapped }) => new ByteWriter().u16(wrapKeyId).bytes(wrapped).toBytes(),
  decode: (reply) => decodeObjectRef(reply),
};
