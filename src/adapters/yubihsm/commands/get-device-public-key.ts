/**
 * `get-device-public-key`, outside a session (firmware 2.3): the device's own P-256 key, with which it proves itself in an asymmetric
 * authentication. Nothing protects this reply: whoever can change it can be the device. Compare it with one from a trusted place.
 */
import { ALGORITHM } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { type Command, encodeNothing } from './command.ts';

/** X | Y, 64 bytes. */
export const getDevicePublicKey: Command<void, Uint8Array> = {
  code: COMMAND['get-device-public-key'],
  effect: 'read',
  encode: encodeNothing,
  decode(reply) {
    const reader = new ByteReader(reply);
    const algorithm = reader.u8();
    if (algorithm !== ALGORITHM['ecp256-yubico-authentication']) {
      throw new WireError(`a device key of algorithm ${algorithm}`);
    }
    const point = reader.bytes(64);
    reader.end();
    return point;
  },
};
