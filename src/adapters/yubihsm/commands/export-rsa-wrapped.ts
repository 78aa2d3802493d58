/**
 * Out under somebody's RSA key (firmware 2.4), as CKM_RSA_AES_KEY_WRAP. `export-rsa-wrapped` gives the whole object with its metadata, for
 * another YubiHSM; `get-rsa-wrapped-key` the key alone (PKCS#8, or the bytes of a symmetric key), for anybody.
 */
import { isAes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import type { ObjectRef } from './created-object.ts';
import { checkedOaep, type OaepChoice } from './rsa-wrap-parameters.ts';

export interface ExportRsaWrapped extends OaepChoice {
  /** A public wrap key. */
  readonly wrapKeyId: number;
  readonly object: ObjectRef;
  /** Of the one-use key: `aes256` and its kin. */
  readonly aesAlgorithm: number;
}

/** The RSA part alone has 256 bytes at least, and what it wraps is one block at least. */
const SHORTEST_BLOB = 256 + 16;

function encodeExport(request: ExportRsaWrapped): Uint8Array {
  if (!isAes(request.aesAlgorithm)) throw new WireError(`algorithm ${request.aesAlgorithm} is not AES`);
  const oaep = checkedOaep(request);
  return new ByteWriter()
    .u16(request.wrapKeyId)
    .u8(request.object.type)
    .u16(request.object.id)
    .u8(request.aesAlgorithm)
    .u8(oaep.oaepAlgorithm)
    .u8(oaep.mgf1Algorithm)
    .bytes(oaep.labelDigest)
    .toBytes();
}

function decodeBlob(reply: Uint8Array): Uint8Array {
  if (reply.length < SHORTEST_BLOB || reply.length % 8 !== 0) throw new WireError('not an RSA wrapped key');
  return new Uint8Array(reply);
}

export const exportRsaWrapped: Command<ExportRsaWrapped, Uint8Array> = {
  code: COMMAND['export-rsa-wrapped'],
  effect: 'read',
  encode: encodeExport,
  decode: decodeBlob,
};

export const getRsaWrappedKey: Command<ExportRsaWrapped, Uint8Array> = {
  code: COMMAND['get-rsa-wrapped-key'],
  effect: 'read',
  encode(request) {
    const { type } = request.object;
    if (type !== OBJECT_TYPE['asymmetric-key'] && type !== OBJECT_TYPE['symmetric-key']) {
      throw new WireError('only asymmetric and symmetric keys leave as key material alone');
    }
    return encodeExport(request);
  },
  decode: decodeBlob,
};
