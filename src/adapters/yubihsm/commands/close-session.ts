/** `close-session`: frees the session's place at once, instead of 30 seconds after its last command. */
import { COMMAND } from '../wire/command-codes.ts';
import { type Command, decodeNothing, encodeNothing } from './command.ts';

export const closeSession: Command<void, void> = {
  code: COMMAND['close-session'],
  effect: 'read',
  encode: encodeNothing,
  decode: decodeNothing,
};
