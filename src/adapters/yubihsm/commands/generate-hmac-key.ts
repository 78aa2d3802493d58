/** `generate-hmac-key`: an HMAC key that is born on the device. */
import { isHmac } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export const generateHmacKey: Command<ObjectHeader, number> = {
  code: COMMAND['generate-hmac-key'],
  effect: 'create',
  encode(request) {
    if (!isHmac(request.algorithm)) throw new WireError(`algorithm ${request.algorithm} is not HMAC`);
    return writeObjectHeader(new ByteWriter(), request).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
