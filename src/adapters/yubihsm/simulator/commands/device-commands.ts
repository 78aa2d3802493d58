/** Commands about the device as a whole: echo, storage, random bytes, blinking, closing a session, and the factory reset. */
import { randomBytes } from 'node:crypto';
import { COMMAND } from '../../wire/command-codes.ts';
import { commandLimit, messageLimit } from '../../wire/frame.ts';
import { ByteWriter } from '../../wire/writer.ts';
import { refuse } from '../refusal.ts';
import { pagesOf, STORAGE } from '../stored-object.ts';
import { type CommandHandler, NOTHING } from './command.ts';

export const echo: CommandHandler = { code: COMMAND.echo, run: (request) => request.rest() };

/** What else closing does, dropping the session, is the dispatcher's: the reply is still encrypted. */
export const closeSession: CommandHandler = {
  code: COMMAND['close-session'],
  run: (request) => {
    request.end();
    return NOTHING;
  },
};

export const getStorageInfo: CommandHandler = {
  code: COMMAND['get-storage-info'],
  run: (request, { state }) => {
    request.end();
    const pages = [...state.objects.values()].reduce((sum, object) => sum + pagesOf(object), 0);
    return new ByteWriter()
      .u16(STORAGE.records)
      .u16(STORAGE.records - state.objects.size)
      .u16(STORAGE.pages)
      .u16(STORAGE.pages - pages)
      .u16(STORAGE.pageBytes)
      .toBytes();
  },
};

export const getPseudoRandom: CommandHandler = {
  code: COMMAND['get-pseudo-random'],
  capability: 'get-pseudo-random',
  run: (request, { firmware }) => {
    const count = request.u16();
    request.end();
    return count > commandLimit(messageLimit(firmware)) ? refuse('invalid-data') : new Uint8Array(randomBytes(count));
  },
};

export const blinkDevice: CommandHandler = {
  code: COMMAND['blink-device'],
  run: (request) => {
    request.u8();
    request.end();
    return NOTHING;
  },
};

/** The reset itself, with its own log entries and the end of all sessions, is the dispatcher's. */
export const resetDevice: CommandHandler = {
  code: COMMAND['reset-device'],
  capability: 'reset-device',
  run: (request) => {
    request.end();
    return NOTHING;
  },
};
