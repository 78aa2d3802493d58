/** `put-hmac-key`: an HMAC key from outside, up to one block of its hash. A longer key is hashed first (RFC 2104), by whoever calls. */
import { hmacSizes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutHmacKey extends ObjectHeader {
  readonly key: Uint8Array;
}

export const putHmacKey: Command<PutHmacKey, number> = {
  code: COMMAND['put-hmac-key'],
  effect: 'create',
  encode(request) {
    const sizes = hmacSizes(request.algorithm);
    if (sizes === undefined) throw new WireError(`algorithm ${request.algorithm} is not HMAC`);
    if (request.key.length === 0 || request.key.length > sizes.block) {
      throw new WireError(`the HMAC key has ${request.key.length} bytes; it must have 1 to ${sizes.block}`);
    }
    return writeObjectHeader(new ByteWriter(), request).bytes(request.key).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
