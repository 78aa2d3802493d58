/** `put-public-wrap-key`: an RSA public key of somebody else, under which objects may leave (firmware 2.4). Its exponent is 65537. */
import { rsaModulusBytes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutPublicWrapKey extends ObjectHeader {
  readonly delegatedCapabilities: bigint;
  readonly modulus: Uint8Array;
}

export const putPublicWrapKey: Command<PutPublicWrapKey, number> = {
  code: COMMAND['put-public-wrap-key'],
  effect: 'create',
  encode(request) {
    const length = rsaModulusBytes(request.algorithm);
    if (length === undefined) throw new WireError(`algorithm ${request.algorithm} is not RSA`);
    return writeObjectHeader(new ByteWriter(), request)
      .u64(request.delegatedCapabilities)
      .fixed(request.modulus, length, 'the RSA modulus')
      .toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
