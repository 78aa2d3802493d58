/** `put-symmetric-key`: an AES key from outside (firmware 2.3). */
import { aesKeyBytes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutSymmetricKey extends ObjectHeader {
  readonly key: Uint8Array;
}

export const putSymmetricKey: Command<PutSymmetricKey, number> = {
  code: COMMAND['put-symmetric-key'],
  effect: 'create',
  encode(request) {
    const length = aesKeyBytes(request.algorithm);
    if (length === undefined) throw new WireError(`algorithm ${request.algorithm} is not AES`);
    return writeObjectHeader(new ByteWriter(), request).fixed(request.key, length, 'the AES key').toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
