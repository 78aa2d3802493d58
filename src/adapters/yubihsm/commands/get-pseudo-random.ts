/** `get-pseudo-random`: bytes of the device's generator. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export const getPseudoRandom: Command<{ readonly count: number }, Uint8Array> = {
  code: COMMAND['get-pseudo-random'],
  effect: 'read',
  encode: ({ count }) => new ByteWriter().u16(count).toBytes(),
  decode(reply, { count }) {
    const reader = new ByteReader(reply);
    const bytes = reader.bytes(count);
    reader.end();
    return bytes;
  },
};
