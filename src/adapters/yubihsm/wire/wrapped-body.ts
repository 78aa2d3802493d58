/**
 * The bodies of wrapped objects by kind of key: RSA with its CRT components, EC with its point, HMAC as its two padded keys (RFC 2104),
 * Ed25519 as expanded by RFC 8032, and the keys with delegated capabilities. Symmetric keys and opaques are their bytes and need none of it.
 */
import { ecCoordinateBytes, hmacSizes, rsaModulusBytes } from './algorithms.ts';
import { ByteReader } from './reader.ts';
import { WireError } from './wire-error.ts';
import { ByteWriter } from './writer.ts';

export interface RsaBody {
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly dp: Uint8Array;
  readonly dq: Uint8Array;
  readonly qinv: Uint8Array;
  readonly n: Uint8Array;
}

function modulusBytes(algorithm: number): number {
  const length = rsaModulusBytes(algorithm);
  if (length === undefined) throw new WireError(`algorithm ${algorithm} is not RSA`);
  return length;
}

export function encodeRsaBody(algorithm: number, body: RsaBody): Uint8Array {
  const length = modulusBytes(algorithm);
  const writer = new ByteWriter();
  for (const name of ['p', 'q', 'dp', 'dq', 'qinv'] as const) writer.fixed(body[name], length / 2, `RSA ${name}`);
  return writer.fixed(body.n, length, 'an RSA modulus').toBytes();
}

export function decodeRsaBody(algorithm: number, bytes: Uint8Array): RsaBody {
  const length = modulusBytes(algorithm);
  const reader = new ByteReader(bytes);
  const half = (): Uint8Array => reader.bytes(length / 2);
  const body = { p: half(), q: half(), dp: half(), dq: half(), qinv: half(), n: reader.bytes(length) };
  reader.end();
  return body;
}

export interface EcBody {
  readonly d: Uint8Array;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

function coordinateBytes(algorithm: number): number {
  const length = ecCoordinateBytes(algorithm);
  if (length === undefined) throw new WireError(`algorithm ${algorithm} is not a curve`);
  return length;
}

export function encodeEcBody(algorithm: number, body: EcBody): Uint8Array {
  const length = coordinateBytes(algorithm);
  return new ByteWriter()
    .fixed(body.d, length, 'an EC private key')
    .fixed(body.x, length, 'an EC coordinate')
    .fixed(body.y, length, 'an EC coordinate')
    .toBytes();
}

export function decodeEcBody(algorithm: number, bytes: Uint8Array): EcBody {
  const length = coordinateBytes(algorithm);
  const reader = new ByteReader(bytes);
  const body = { d: reader.bytes(length), x: reader.bytes(length), y: reader.bytes(length) };
  reader.end();
  return body;
}

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

function blockBytes(algorithm: number): number {
  const sizes = hmacSizes(algorithm);
  if (sizes === undefined) throw new WireError(`algorithm ${algorithm} is not HMAC`);
  return sizes.block;
}

/** `key`: up to one block of the hash; a longer one is hashed first (RFC 2104), which is the caller's work. */
export function encodeHmacBody(algorithm: number, key: Uint8Array): Uint8Array {
  const block = blockBytes(algorithm);
  if (key.length > block) throw new WireError(`an HMAC key has ${key.length} bytes; ${block} is the most`);
  const body = new Uint8Array(2 * block);
  body.fill(INNER_PAD, 0, block);
  body.fill(OUTER_PAD, block);
  for (const [index, byte] of key.entries()) {
    body[index] = byte ^ INNER_PAD;
    body[block + index] = byte ^ OUTER_PAD;
  }
  return body;
}

/**
 * The key, zero-padded to a block: how long it was is not in the body, and for HMAC it makes no difference. Throws WireError when the two
 * halves are not of one key.
 */
export function decodeHmacBody(algorithm: number, bytes: Uint8Array): Uint8Array {
  const block = blockBytes(algorithm);
  if (bytes.length !== 2 * block) throw new WireError(`an HMAC body has ${bytes.length} bytes instead of ${2 * block}`);
  const key = Uint8Array.from(bytes.subarray(0, block), (byte) => byte ^ INNER_PAD);
  if (key.some((byte, index) => (byte ^ OUTER_PAD) !== bytes[block + index])) {
    key.fill(0);
    throw new WireError('the two halves of an HMAC body are not of one key');
  }
  return key;
}

export interface Ed25519Body {
  /** Clamped, byte-reversed (big-endian), as Yubico's offline tool writes it. */
  readonly scalar: Uint8Array;
  /** Second half of SHA-512 of the seed. */
  readonly prefix: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Only in format 1 (firmware 2.4). Without it the key works and cannot be put anywhere else. */
  readonly seed: Uint8Array | null;
}

/** Where the seed stands is not documented: it is written last here, and decoding leaves proving that it is the seed to its caller. */
export function encodeEd25519Body(body: Ed25519Body): Uint8Array {
  const writer = new ByteWriter()
    .fixed(body.scalar, 32, 'an Ed25519 scalar')
    .fixed(body.prefix, 32, 'an Ed25519 prefix')
    .fixed(body.publicKey, 32, 'an Ed25519 public key');
  return (body.seed === null ? writer : writer.fixed(body.seed, 32, 'an Ed25519 seed')).toBytes();
}

export function decodeEd25519Body(bytes: Uint8Array): Ed25519Body {
  const reader = new ByteReader(bytes);
  const body = { scalar: reader.bytes(32), prefix: reader.bytes(32), publicKey: reader.bytes(32) };
  const seed = reader.remaining === 0 ? null : reader.bytes(32);
  reader.end();
  return { ...body, seed };
}

export interface DelegatingBody {
  readonly delegatedCapabilities: bigint;
  /** Authentication key: K-ENC | K-MAC, or X | Y. Wrap key: AES key, or the RSA body. Public wrap key: n. */
  readonly key: Uint8Array;
}

export const encodeDelegatingBody = (body: DelegatingBody): Uint8Array =>
  new ByteWriter().u64(body.delegatedCapabilities).bytes(body.key).toBytes();

export function decodeDelegatingBody(bytes: Uint8Array): DelegatingBody {
  const reader = new ByteReader(bytes);
  return { delegatedCapabilities: reader.u64(), key: reader.rest() };
}
