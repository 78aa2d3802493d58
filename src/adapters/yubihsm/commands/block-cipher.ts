/** AES on the device without padding, ECB and CBC (firmware 2.3): `encrypt-ecb`, `decrypt-ecb`, `encrypt-cbc`, `decrypt-cbc`. */
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface EcbRequest {
  readonly id: number;
  /** Whole blocks of 16 bytes. */
  readonly data: Uint8Array;
}

export interface CbcRequest extends EcbRequest {
  /** 16 bytes. */
  readonly iv: Uint8Array;
}

const BLOCK = 16;

function checkedBlocks(data: Uint8Array): Uint8Array {
  if (data.length === 0 || data.length % BLOCK !== 0) throw new WireError('the data are not whole blocks of 16 bytes');
  return data;
}

function decodeBlocks(reply: Uint8Array, { data }: EcbRequest): Uint8Array {
  if (reply.length !== data.length) throw new WireError('the result is not as long as the data');
  return new Uint8Array(reply);
}

const ecb = (name: 'encrypt-ecb' | 'decrypt-ecb'): Command<EcbRequest, Uint8Array> => ({
  code: COMMAND[name],
  effect: 'read',
  encode: ({ id, data }) => new ByteWriter().u16(id).bytes(checkedBlocks(data)).toBytes(),
  decode: decodeBlocks,
});

const cbc = (name: 'encrypt-cbc' | 'decrypt-cbc'): Command<CbcRequest, Uint8Array> => ({
  code: COMMAND[name],
  effect: 'read',
  encode: ({ id, iv, data }) =>
    new ByteWriter().u16(id).fixed(iv, BLOCK, 'the IV').bytes(checkedBlocks(data)).toBytes(),
  decode: decodeBlocks,
});

export const encryptEcb = ecb('encrypt-ecb');
export const decryptEcb = ecb('decrypt-ecb');
export const encryptCbc = cbc('encrypt-cbc');
export const decryptCbc = cbc('decrypt-cbc');
