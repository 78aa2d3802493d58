/** `get-opaque`: the bytes of an opaque object, in clear. Id 0 is the certificate of the device's own attestation key. */
import { COMMAND } from '../wire/command-codes.ts';
import { type Command, encodeId } from './command.ts';

export const getOpaque: Command<{ readonly id: number }, Uint8Array> = {
  code: COMMAND['get-opaque'],
  effect: 'read',
  encode: ({ id }) => encodeId(id),
  decode: (reply) => new Uint8Array(reply),
};
