/** `echo`: the same bytes back. Keeps a session from expiring, and shows that a connector leads to a device. */
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Command } from './command.ts';

export const echo: Command<Uint8Array, void> = {
  code: COMMAND.echo,
  effect: 'read',
  encode: (data) => new Uint8Array(data),
  decode(reply, data) {
    if (Buffer.compare(reply, data) !== 0) throw new WireError('an echo of other bytes');
  },
};
