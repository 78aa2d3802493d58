/**
 * ECDSA over a digest that the caller made (SEC 1 v2, 4.1): node:crypto hashes what it signs and cannot be told not to. For a simulator:
 * not in constant time. Signatures are DER.
 */
import { createECDH, type KeyObject } from 'node:crypto';
import { derInteger, readDerIntegers } from './der-integers.ts';

interface Curve {
  /** The field's prime, the coefficient a and the order of the base point (SEC 2 v2). */
  readonly p: bigint;
  readonly a: bigint;
  readonly n: bigint;
}

const P256 = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P384 = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn;
const P521 = (1n << 521n) - 1n;
const K256 = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;

const CURVES: Readonly<Record<string, Curve>> = {
  prime256v1: { p: P256, a: P256 - 3n, n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  secp384r1: {
    p: P384,
    a: P384 - 3n,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  secp521r1: {
    p: P521,
    a: P521 - 3n,
    n: 0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
  secp256k1: { p: K256, a: 0n, n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n },
};

/** null: the point at infinity. */
type Point = readonly [bigint, bigint] | null;

const modulo = (value: bigint, m: bigint): bigint => ((value % m) + m) % m;

function inverse(value: bigint, m: bigint): bigint {
  let [a, b, x, y] = [modulo(value, m), m, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a % b, y, x - quotient * y];
  }
  return modulo(x, m);
}

function add(left: Point, right: Point, { p, a }: Curve): Point {
  if (left === null) return right;
  if (right === null) return left;
  const [x1, y1] = left;
  const [x2, y2] = right;
  if (x1 === x2 && modulo(y1 + y2, p) === 0n) return null;
  const slope = x1 === x2 ? (3n * x1 * x1 + a) * inverse(2n * y1, p) : (y2 - y1) * inverse(x2 - x1, p);
  const x3 = modulo(slope * slope - x1 - x2, p);
  return [x3, modulo(slope * (x1 - x3) - y1, p)];
}

function multiply(point: Point, scalar: bigint, curve: Curve): Point {
  let result: Point = null;
  let doubled = point;
  for (let left = scalar; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = add(result, doubled, curve);
    doubled = add(doubled, doubled, curve);
  }
  return result;
}

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
const fromBase64Url = (text: string | undefined): bigint => toNumber(Buffer.from(text ?? '', 'base64url'));

/** An uncompressed point: 04, x, y. */
function readPoint(bytes: Buffer): Point {
  const half = (bytes.length - 1) / 2;
  return [toNumber(bytes.subarray(1, 1 + half)), toNumber(bytes.subarray(1 + half))];
}

/** The digest's leftmost bits, as many as the order has. */
function digestNumber(digest: Uint8Array, n: bigint): bigint {
  const excess = digest.length * 8 - n.toString(2).length;
  const value = toNumber(digest);
  return excess > 0 ? value >> BigInt(excess) : value;
}

function curveOf(key: KeyObject): readonly [string, Curve] {
  const name = key.asymmetricKeyDetails?.namedCurve ?? '';
  const curve = CURVES[name];
  if (curve === undefined) throw new Error(`no such curve: ${name}`);
  return [name, curve];
}

export function signDigestEcdsa(privateKey: KeyObject, digest: Uint8Array): Buffer {
  const [name, curve] = curveOf(privateKey);
  const { n } = curve;
  const secret = fromBase64Url(privateKey.export({ format: 'jwk' }).d);
  const z = digestNumber(digest, n);
  for (;;) {
    const ephemeral = createECDH(name);
    const point = readPoint(ephemeral.generateKeys());
    const r = modulo(point?.[0] ?? 0n, n);
    const s = modulo(inverse(toNumber(ephemeral.getPrivateKey()), n) * (z + r * secret), n);
    if (r === 0n || s === 0n) continue;
    const body = Buffer.concat([derInteger(r), derInteger(s)]);
    const head = body.length < 0x80 ? [0x30, body.length] : [0x30, 0x81, body.length];
    return Buffer.concat([Buffer.from(head), body]);
  }
}

export function verifyDigestEcdsa(publicKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const [name, curve] = curveOf(publicKey);
  const { n } = curve;
  const [r, s] = readDerIntegers(Buffer.from(signature)) ?? [0n, 0n];
  if (r <= 0n || s <= 0n || r >= n || s >= n) return false;
  const { x, y } = publicKey.export({ format: 'jwk' });
  const w = inverse(s, n);
  const first = multiplyBase(name, modulo(digestNumber(digest, n) * w, n), n);
  const second = multiply([fromBase64Url(x), fromBase64Url(y)], modulo(r * w, n), curve);
  const sum = add(first, second, curve);
  return sum !== null && modulo(sum[0], n) === r;
}

function multiplyBase(curveName: string, scalar: bigint, n: bigint): Point {
  if (scalar === 0n) return null;
  const bytes = Math.ceil(n.toString(16).length / 2);
  const ecdh = createECDH(curveName);
  ecdh.setPrivateKey(scalar.toString(16).padStart(bytes * 2, '0'), 'hex');
  return readPoint(ecdh.getPublicKey());
}
