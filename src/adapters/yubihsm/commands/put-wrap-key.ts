/** `put-wrap-key`: a key that wraps and unwraps objects: AES for CCM, or (firmware 2.4) an RSA private key as p | q, which only unwraps. */
import { ccmWrapKeyBytes, rsaModulusBytes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutWrapKey extends ObjectHeader {
  /** Every capability of an object that this key is to wrap or unwrap must be among them. */
  readonly delegatedCapabilities: bigint;
  readonly key: Uint8Array;
}

export const putWrapKey: Command<PutWrapKey, number> = {
  code: COMMAND['put-wrap-key'],
  effect: 'create',
  encode(request) {
    const length = ccmWrapKeyBytes(request.algorithm) ?? rsaModulusBytes(request.algorithm);
    if (length === undefined) throw new WireError(`algorithm ${request.algorithm} is not one of wrap keys`);
    return writeObjectHeader(new ByteWriter(), request)
      .u64(request.delegatedCapabilities)
      .fixed(request.key, length, 'the wrap key')
      .toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
