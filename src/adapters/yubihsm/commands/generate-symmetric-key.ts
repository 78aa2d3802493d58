/** `generate-symmetric-key`: an AES key that is born on the device (firmware 2.3). */
import { isAes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export const generateSymmetricKey: Command<ObjectHeader, number> = {
  code: COMMAND['generate-symmetric-key'],
  effect: 'create',
  encode(request) {
    if (!isAes(request.algorithm)) throw new WireError(`algorithm ${request.algorithm} is not AES`);
    return writeObjectHeader(new ByteWriter(), request).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
