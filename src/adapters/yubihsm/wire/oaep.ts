/**
 * EME-OAEP, RFC 8017 §7.1, over a label's digest and with a hash of its own for MGF1: both are what the device's messages carry, and what
 * node:crypto's OAEP cannot be given. The RSA operation itself is node's, without padding.
 */
import { constants, createHash, type KeyObject, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { HASH_BYTES, type HashName } from './algorithms.ts';

export interface OaepParameters {
  /** Hash of the label; says the OAEP hash by its length, so give both as they belong together. */
  readonly labelDigest: Uint8Array;
  readonly hash: HashName;
  readonly mgf1Hash: HashName;
}

export const digestOfLabel = (hash: HashName, label: Uint8Array = new Uint8Array(0)): Uint8Array =>
  new Uint8Array(createHash(hash).update(label).digest());

/** RFC 8017 §B.2.1. */
function maskWithMgf1(target: Uint8Array, seed: Uint8Array, hash: HashName): void {
  const size = HASH_BYTES[hash];
  const counter = Buffer.alloc(4);
  for (let start = 0; start < target.length; start += size) {
    counter.writeUInt32BE(start / size);
    const mask = createHash(hash).update(seed).update(counter).digest();
    const end = Math.min(size, target.length - start);
    for (let index = 0; index < end; index += 1) {
      target[start + index] = (target[start + index] ?? 0) ^ (mask[index] ?? 0);
    }
  }
}

function checkedHashBytes(parameters: OaepParameters): number {
  const size = HASH_BYTES[parameters.hash];
  if (parameters.labelDigest.length !== size) throw new RangeError('the label digest is not of the OAEP hash');
  return size;
}

const modulusBytes = (key: KeyObject): number => (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;

/** Throws RangeError for a message that is too long for the key. */
export function oaepEncrypt(key: KeyObject, message: Uint8Array, parameters: OaepParameters): Uint8Array {
  const hashBytes = checkedHashBytes(parameters);
  const encoded = new Uint8Array(modulusBytes(key));
  const dataStart = 1 + hashBytes;
  const messageStart = encoded.length - message.length;
  if (messageStart < dataStart + hashBytes + 1) throw new RangeError('the message is too long for the RSA key');
  const seed = encoded.subarray(1, dataStart);
  const data = encoded.subarray(dataStart);
  seed.set(randomBytes(hashBytes));
  data.set(parameters.labelDigest);
  encoded[messageStart - 1] = 1;
  encoded.set(message, messageStart);
  maskWithMgf1(data, seed, parameters.mgf1Hash);
  maskWithMgf1(seed, data, parameters.mgf1Hash);
  return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

/** null: not encrypted to this key with these parameters. Its reasons are not told apart (RFC 8017 §7.1.2, note). */
export function oaepDecrypt(key: KeyObject, ciphertext: Uint8Array, parameters: OaepParameters): Uint8Array | null {
  const hashBytes = checkedHashBytes(parameters);
  if (ciphertext.length !== modulusBytes(key)) return null;
  const encoded = rsaDecrypt(key, ciphertext);
  if (encoded === null) return null;
  const seed = encoded.subarray(1, 1 + hashBytes);
  const data = encoded.subarray(1 + hashBytes);
  maskWithMgf1(seed, data, parameters.mgf1Hash);
  maskWithMgf1(data, seed, parameters.mgf1Hash);
  let isWrong = encoded[0] ?? 1;
  for (let index = 0; index < hashBytes; index += 1) {
    isWrong |= (data[index] ?? 0) ^ (parameters.labelDigest[index] ?? 0);
  }
  const separator = data.findIndex((byte, index) => index >= hashBytes && byte !== 0);
  const message = isWrong === 0 && data[separator] === 1 ? data.slice(separator + 1) : null;
  encoded.fill(0);
  return message;
}

function rsaDecrypt(key: KeyObject, ciphertext: Uint8Array): Uint8Array | null {
  try {
    // A Buffer's slices are views: the message would be wiped with the rest.
    return new Uint8Array(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, ciphertext));
  } catch {
    // A number that is not below the modulus.
    return null;
  }
}
