/** `decrypt-pkcs1` and `decrypt-oaep`: what was encrypted to an RSA key of the device. The plaintext is shown to the host. */
import { HASH_BYTES, mgf1Hash } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface DecryptPkcs1 {
  readonly id: number;
  /** As long as the modulus. */
  readonly ciphertext: Uint8Array;
}

export interface DecryptOaep extends DecryptPkcs1 {
  readonly mgf1Algorithm: number;
  /** Says the OAEP hash by its length. */
  readonly labelDigest: Uint8Array;
}

const DIGEST_BYTES: ReadonlySet<number> = new Set<number>(Object.values(HASH_BYTES));

function checkedCiphertext(ciphertext: Uint8Array): Uint8Array {
  const { length } = ciphertext;
  if (length !== 256 && length !== 384 && length !== 512) throw new WireError(`an RSA ciphertext of ${length} bytes`);
  return ciphertext;
}

function decodePlaintext(reply: Uint8Array, { ciphertext }: DecryptPkcs1): Uint8Array {
  if (reply.length >= ciphertext.length) throw new WireError('a plaintext that is longer than its ciphertext');
  return new Uint8Array(reply);
}

export const decryptPkcs1: Command<DecryptPkcs1, Uint8Array> = {
  code: COMMAND['decrypt-pkcs1'],
  effect: 'read',
  encode: ({ id, ciphertext }) => new ByteWriter().u16(id).bytes(checkedCiphertext(ciphertext)).toBytes(),
  decode: decodePlaintext,
};

export const decryptOaep: Command<DecryptOaep, Uint8Array> = {
  code: COMMAND['decrypt-oaep'],
  effect: 'read',
  encode(request) {
    if (mgf1Hash(request.mgf1Algorithm) === undefined) {
      throw new WireError(`algorithm ${request.mgf1Algorithm} is not MGF1`);
    }
    if (!DIGEST_BYTES.has(request.labelDigest.length)) throw new WireError('the label digest is of no known hash');
    return new ByteWriter()
      .u16(request.id)
      .u8(request.mgf1Algorithm)
      .bytes(checkedCiphertext(request.ciphertext))
      .bytes(request.labelDigest)
      .toBytes();
  },
  decode: decodePlaintext,
};
