/** `derive-ecdh`: the shared secret of a curve key on the device and somebody's point: its X coordinate, in clear on the host. */
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface DeriveEcdh {
  readonly id: number;
  /** 04 | X | Y. */
  readonly point: Uint8Array;
}

export const deriveEcdh: Command<DeriveEcdh, Uint8Array> = {
  code: COMMAND['derive-ecdh'],
  effect: 'read',
  encode({ id, point }) {
    if (point[0] !== 4 || point.length % 2 !== 1) throw new WireError('the point is not uncompressed');
    return new ByteWriter().u16(id).bytes(point).toBytes();
  },
  decode(reply, { point }) {
    if (reply.length !== (point.length - 1) / 2) throw new WireError(`a shared secret of ${reply.length} bytes`);
    return new Uint8Array(reply);
  },
};
