/** `put-rsa-wrapped-key`: creates a key from key material alone, wrapped for this device's RSA wrap key (firmware 2.4). */
import { isAes, isAsymmetric } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { checkedId, decodeObjectRef, type ObjectRef } from './created-object.ts';
import { checkedOaep, type OaepChoice } from './rsa-wrap-parameters.ts';

export interface PutRsaWrappedKey extends ObjectHeader, OaepChoice {
  readonly wrapKeyId: number;
  /** Asymmetric or symmetric key. */
  readonly type: number;
  readonly wrapped: Uint8Array;
}

export const putRsaWrappedKey: Command<PutRsaWrappedKey, ObjectRef> = {
  code: COMMAND['put-rsa-wrapped-key'],
  effect: 'create',
  encode(request) {
    const fits =
      (request.type === OBJECT_TYPE['asymmetric-key'] && isAsymmetric(request.algorithm)) ||
      (request.type === OBJECT_TYPE['symmetric-key'] && isAes(request.algorithm));
    if (!fits) throw new WireError(`algorithm ${request.algorithm} is not one of type ${request.type}`);
    const oaep = checkedOaep(request);
    const writer = new ByteWriter().u16(request.wrapKeyId).u8(request.type);
    return writeObjectHeader(writer, request)
      .u8(oaep.oaepAlgorithm)
      .u8(oaep.mgf1Algorithm)
      .bytes(request.wrapped)
      .bytes(oaep.labelDigest)
      .toBytes();
  },
  decode(reply, request) {
    const created = decodeObjectRef(reply);
    if (created.type !== request.type) throw new WireError('an object of another type was created');
    return { type: created.type, id: checkedId(created.id, request.id) };
  },
};
