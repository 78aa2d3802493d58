/** `generate-asymmetric-key`: a key pair that is born on the device. */
import { isAsymmetric } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, KEY_GENERATION_TIMEOUT_MS } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export const generateAsymmetricKey: Command<ObjectHeader, number> = {
  code: COMMAND['generate-asymmetric-key'],
  effect: 'create',
  timeoutMs: KEY_GENERATION_TIMEOUT_MS,
  encode(request) {
    if (!isAsymmetric(request.algorithm)) throw new WireError(`algorithm ${request.algorithm} is not asymmetric`);
    return writeObjectHeader(new ByteWriter(), request).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
