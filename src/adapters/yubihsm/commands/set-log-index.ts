/** `set-log-index`: entries up to this number have been read and may be overwritten. They are gone from the device then. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, decodeNothing } from './command.ts';

export const setLogIndex: Command<{ readonly number: number }, void> = {
  code: COMMAND['set-log-index'],
  effect: 'change',
  encode: ({ number }) => new ByteWriter().u16(number).toBytes(),
  decode: decodeNothing,
};
