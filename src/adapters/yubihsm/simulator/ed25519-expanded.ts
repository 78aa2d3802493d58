/**
 * Ed25519 (RFC 8032 §5.1) from the expanded private key: what an import without a seed leaves, and what node:crypto cannot take. Extended
 * coordinates, not constant in time, since the simulator guards nothing.
 */
import { createHash } from 'node:crypto';

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (value: bigint, modulus = P): bigint => ((value % modulus) + modulus) % modulus;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

const invert = (value: bigint): bigint => power(value, P - 2n);
const D = mod(-121665n * invert(121666n));

interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const BASE_Y = mod(4n * invert(5n));
const BASE: Point = { x: BASE_X, y: BASE_Y, z: 1n, t: mod(BASE_X * BASE_Y) };
const ZERO: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

/** §5.1.4. */
function add(one: Point, other: Point): Point {
  const a = mod((one.y - one.x) * (other.y - other.x));
  const b = mod((one.y + one.x) * (other.y + other.x));
  const c = mod(2n * one.t * other.t * D);
  const d = mod(2n * one.z * other.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

function timesBase(scalar: bigint): Uint8Array {
  let sum = ZERO;
  let step = BASE;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, step);
    step = add(step, step);
  }
  const inverse = invert(sum.z);
  const encoded = littleEndian(mod(sum.y * inverse));
  if (mod(sum.x * inverse) & 1n) encoded[31] = (encoded[31] ?? 0) | 0x80;
  return encoded;
}

const littleEndian = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());

const fromLittleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

export interface ExpandedKey {
  /** Clamped, big-endian: 32 bytes. */
  readonly scalar: Uint8Array;
  readonly prefix: Uint8Array;
}

/** §5.1.5, steps 1 and 2. */
export function expandSeed(seed: Uint8Array): ExpandedKey {
  const hash = createHash('sha512').update(seed).digest();
  const low = hash.subarray(0, 32);
  low[0] = (low[0] ?? 0) & 0xf8;
  low[31] = ((low[31] ?? 0) & 0x7f) | 0x40;
  return { scalar: new Uint8Array(low).reverse(), prefix: new Uint8Array(hash.subarray(32)) };
}

const scalarOf = (key: ExpandedKey): bigint => BigInt(`0x${Buffer.from(key.scalar).toString('hex')}`);

export const publicPoint = (key: ExpandedKey): Uint8Array => timesBase(mod(scalarOf(key), ORDER));

/** §5.1.6. 64 bytes. */
export function signExpanded(key: ExpandedKey, message: Uint8Array): Uint8Array {
  const hash = (...parts: Uint8Array[]): bigint => {
    const sha512 = createHash('sha512');
    for (const part of parts) sha512.update(part);
    return mod(fromLittleEndian(sha512.digest()), ORDER);
  };
  const secret = mod(scalarOf(key), ORDER);
  const nonce = hash(key.prefix, message);
  const commitment = timesBase(nonce);
  const challenge = hash(commitment, timesBase(secret), message);
  return new Uint8Array(Buffer.concat([commitment, littleEndian(mod(nonce + challenge * secret, ORDER))]));
}
