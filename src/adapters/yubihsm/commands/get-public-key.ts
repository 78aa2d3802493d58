/** `get-public-key`: of an asymmetric key, and (firmware 2.4) of an RSA wrap key or public wrap key. */
import { publicKeyBytes } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import type { ObjectRef } from './created-object.ts';

export interface DevicePublicKey {
  readonly algorithm: number;
  /** n; X | Y; or the Ed25519 point. */
  readonly bytes: Uint8Array;
}

export const getPublicKey: Command<ObjectRef, DevicePublicKey> = {
  code: COMMAND['get-public-key'],
  effect: 'read',
  encode({ id, type }) {
    const writer = new ByteWriter().u16(id);
    // Older firmware knows the short form only.
    return (type === OBJECT_TYPE['asymmetric-key'] ? writer : writer.u8(type)).toBytes();
  },
  decode(reply) {
    const reader = new ByteReader(reply);
    const algorithm = reader.u8();
    const length = publicKeyBytes(algorithm);
    if (length === undefined) throw new WireError(`a public key of algorithm ${algorithm}`);
    const bytes = reader.bytes(length);
    reader.end();
    return { algorithm, bytes };
  },
};
