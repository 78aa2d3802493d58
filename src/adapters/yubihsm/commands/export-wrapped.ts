/** `export-wrapped`: an object with all its metadata under an AES wrap key: nonce | ciphertext | tag. Stays as it is on the device. */
import { CCM_OVERHEAD_BYTES } from '../wire/ccm-wrap.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { WRAPPED_HEADER_BYTES } from '../wire/wrapped-object.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import type { ObjectRef } from './created-object.ts';

export interface ExportWrapped {
  readonly wrapKeyId: number;
  readonly object: ObjectRef;
  /** Ed25519 with its seed (firmware 2.4); without it the key can only go to another YubiHSM. */
  readonly withSeed?: boolean;
}

export const exportWrapped: Command<ExportWrapped, Uint8Array> = {
  code: COMMAND['export-wrapped'],
  effect: 'read',
  encode({ wrapKeyId, object, withSeed }) {
    const writer = new ByteWriter().u16(wrapKeyId).u8(object.type).u16(object.id);
    return (withSeed === true ? writer.u8(1) : writer).toBytes();
  },
  decode(reply) {
    if (reply.length <= CCM_OVERHEAD_BYTES + WRAPPED_HEADER_BYTES)
      throw new WireError('a wrapped object without a body');
    return new Uint8Array(reply);
  },
};
