/** `import-rsa-wrapped`: creates the object that another YubiHSM's `export-rsa-wrapped` made for this one's RSA wrap key (firmware 2.4). */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeObjectRef, type ObjectRef } from './created-object.ts';
import { checkedOaep, type OaepChoice } from './rsa-wrap-parameters.ts';

export interface ImportRsaWrapped extends OaepChoice {
  /** An RSA wrap key. */
  readonly wrapKeyId: number;
  readonly wrapped: Uint8Array;
}

export const importRsaWrapped: Command<ImportRsaWrapped, ObjectRef> = {
  code: COMMAND['import-rsa-wrapped'],
  effect: 'create',
  encode(request) {
    const oaep = checkedOaep(request);
    return new ByteWriter()
      .u16(request.wrapKeyId)
      .u8(oaep.oaepAlgorithm)
      .u8(oaep.mgf1Algorithm)
      .bytes(request.wrapped)
      .bytes(oaep.labelDigest)
      .toBytes();
  },
  decode: (reply) => decodeObjectRef(reply),
};
