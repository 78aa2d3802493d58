/** `blink-device`: its light blinks, so that a person knows which device it is. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, decodeNothing } from './command.ts';

export const blinkDevice: Command<{ readonly seconds: number }, void> = {
  code: COMMAND['blink-device'],
  effect: 'read',
  encode: ({ seconds }) => new ByteWriter().u8(seconds).toBytes(),
  decode: decodeNothing,
};
