/** `wrap-data` and `unwrap-data`: bytes of the host under an AES wrap key. What they wrap can never be an object, and the other way round. */
import { CCM_OVERHEAD_BYTES } from '../wire/ccm-wrap.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface DataUnderKey {
  readonly id: number;
  readonly data: Uint8Array;
}

/** The device puts a zero byte before the data, which tells them from an object. */
const MARK_BYTES = 1;

const encodeDataUnderKey = ({ id, data }: DataUnderKey): Uint8Array => new ByteWriter().u16(id).bytes(data).toBytes();

/** Nonce | ciphertext | tag. */
export const wrapData: Command<DataUnderKey, Uint8Array> = {
  code: COMMAND['wrap-data'],
  effect: 'read',
  encode: encodeDataUnderKey,
  decode(reply, { data }) {
    if (reply.length !== CCM_OVERHEAD_BYTES + MARK_BYTES + data.length) {
      throw new WireError('wrapped data of another length');
    }
    return new Uint8Array(reply);
  },
};

export const unwrapData: Command<DataUnderKey, Uint8Array> = {
  code: COMMAND['unwrap-data'],
  effect: 'read',
  encode: encodeDataUnderKey,
  decode(reply, { data }) {
    if (reply.length !== data.length - CCM_OVERHEAD_BYTES - MARK_BYTES) {
      throw new WireError('unwrapped data of another length');
    }
    return new Uint8Array(reply);
  },
};
