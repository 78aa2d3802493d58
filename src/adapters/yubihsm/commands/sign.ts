/**
 * Signatures: `sign-pkcs1`, `sign-pss`, `sign-ecdsa` over a digest that the host made, `sign-eddsa` over the data themselves. The device
 * knows the hash of an RSA signature by the digest's length, so the four lengths of SHA-1 and SHA-2 are all there are.
 */
import { HASH_BYTES, mgf1Hash } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface SignDigest {
  readonly id: number;
  readonly digest: Uint8Array;
}

export interface SignPss extends SignDigest {
  readonly mgf1Algorithm: number;
  readonly saltBytes: number;
}

const DIGEST_BYTES: ReadonlySet<number> = new Set<number>(Object.values(HASH_BYTES));

function checkedDigest(digest: Uint8Array): Uint8Array {
  if (!DIGEST_BYTES.has(digest.length)) throw new WireError(`a digest of ${digest.length} bytes is of no known hash`);
  return digest;
}

function decodeRsaSignature(reply: Uint8Array): Uint8Array {
  if (reply.length !== 256 && reply.length !== 384 && reply.length !== 512) {
    throw new WireError(`an RSA signature of ${reply.length} bytes`);
  }
  return new Uint8Array(reply);
}

export const signPkcs1: Command<SignDigest, Uint8Array> = {
  code: COMMAND['sign-pkcs1'],
  effect: 'read',
  encode: ({ id, digest }) => new ByteWriter().u16(id).bytes(checkedDigest(digest)).toBytes(),
  decode: decodeRsaSignature,
};

export const signPss: Command<SignPss, Uint8Array> = {
  code: COMMAND['sign-pss'],
  effect: 'read',
  encode(request) {
    if (mgf1Hash(request.mgf1Algorithm) === undefined) {
      throw new WireError(`algorithm ${request.mgf1Algorithm} is not MGF1`);
    }
    return new ByteWriter()
      .u16(request.id)
      .u8(request.mgf1Algorithm)
      .u16(request.saltBytes)
      .bytes(checkedDigest(request.digest))
      .toBytes();
  },
  decode: decodeRsaSignature,
};

/** The signature is DER: SEQUENCE { r, s }. */
export const signEcdsa: Command<SignDigest, Uint8Array> = {
  code: COMMAND['sign-ecdsa'],
  effect: 'read',
  encode: ({ id, digest }) => new ByteWriter().u16(id).bytes(checkedDigest(digest)).toBytes(),
  decode(reply) {
    const [tag, length = 0] = reply;
    // P-521 is the longest curve, and its signature has a length in two bytes (81 xx).
    const contentAt = length === 0x81 ? 3 : 2;
    const contentBytes = length === 0x81 ? (reply[2] ?? 0) : length;
    if (tag !== 0x30 || contentBytes < 6 || reply.length !== contentAt + contentBytes) {
      throw new WireError('not an ECDSA signature');
    }
    return new Uint8Array(reply);
  },
};

export const signEddsa: Command<{ readonly id: number; readonly data: Uint8Array }, Uint8Array> = {
  code: COMMAND['sign-eddsa'],
  effect: 'read',
  encode: ({ id, data }) => new ByteWriter().u16(id).bytes(data).toBytes(),
  decode(reply) {
    if (reply.length !== 64) throw new WireError(`an Ed25519 signature of ${reply.length} bytes`);
    return new Uint8Array(reply);
  },
};
