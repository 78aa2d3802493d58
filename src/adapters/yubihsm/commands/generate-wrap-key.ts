/** `generate-wrap-key`: a wrap key that is born on the device: AES for CCM, or (firmware 2.4) RSA. */
import { isCcmWrap, isRsa } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, KEY_GENERATION_TIMEOUT_MS } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface GenerateWrapKey extends ObjectHeader {
  readonly delegatedCapabilities: bigint;
}

export const generateWrapKey: Command<GenerateWrapKey, number> = {
  code: COMMAND['generate-wrap-key'],
  effect: 'create',
  timeoutMs: KEY_GENERATION_TIMEOUT_MS,
  encode(request) {
    if (!isCcmWrap(request.algorithm) && !isRsa(request.algorithm)) {
      throw new WireError(`algorithm ${request.algorithm} is not one of wrap keys`);
    }
    return writeObjectHeader(new ByteWriter(), request).u64(request.delegatedCapabilities).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
