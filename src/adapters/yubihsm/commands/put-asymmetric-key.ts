/** `put-asymmetric-key`: a private key from outside. RSA as p | q, curves as d, Ed25519 as its seed; RSA's exponent is 65537. */
import { privateKeyBytes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutAsymmetricKey extends ObjectHeader {
  readonly key: Uint8Array;
}

export const putAsymmetricKey: Command<PutAsymmetricKey, number> = {
  code: COMMAND['put-asymmetric-key'],
  effect: 'create',
  encode(request) {
    const length = privateKeyBytes(request.algorithm);
    if (length === undefined) throw new WireError(`algorithm ${request.algorithm} is not asymmetric`);
    return writeObjectHeader(new ByteWriter(), request).fixed(request.key, length, 'the private key').toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
