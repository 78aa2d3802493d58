/** `sign-hmac` and `verify-hmac`. What the device is given has no algorithm, so `sign-hmac` checks the length against all four. */
import { HASH_BYTES } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface SignHmac {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface VerifyHmac extends SignHmac {
  readonly mac: Uint8Array;
}

const MAC_BYTES: ReadonlySet<number> = new Set<number>(Object.values(HASH_BYTES));

export const signHmac: Command<SignHmac, Uint8Array> = {
  code: COMMAND['sign-hmac'],
  effect: 'read',
  encode: ({ id, data }) => new ByteWriter().u16(id).bytes(data).toBytes(),
  decode(reply) {
    if (!MAC_BYTES.has(reply.length)) throw new WireError(`a MAC of ${reply.length} bytes`);
    return new Uint8Array(reply);
  },
};

export const verifyHmac: Command<VerifyHmac, boolean> = {
  code: COMMAND['verify-hmac'],
  effect: 'read',
  encode({ id, mac, data }) {
    if (!MAC_BYTES.has(mac.length)) throw new WireError(`a MAC of ${mac.length} bytes is of no known hash`);
    return new ByteWriter().u16(id).bytes(mac).bytes(data).toBytes();
  },
  decode(reply) {
    const reader = new ByteReader(reply);
    const verdict = reader.u8();
    reader.end();
    if (verdict > 1) throw new WireError(`a verdict of ${verdict}`);
    return verdict === 1;
  },
};
