/** `reset-device`: destroys every object and brings the factory's authentication key back. The device reboots, so its reply may be lost. */
import { COMMAND } from '../wire/command-codes.ts';
import { type Command, decodeNothing, encodeNothing } from './command.ts';

export const resetDevice: Command<void, void> = {
  code: COMMAND['reset-device'],
  effect: 'destroy',
  encode: encodeNothing,
  decode: decodeNothing,
};
