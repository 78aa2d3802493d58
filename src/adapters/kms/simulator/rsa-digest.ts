/**
 * RSA signatures over a digest that the caller made (RFC 8017): EMSA-PKCS1-v1_5 and EMSA-PSS with a salt as long as the hash. The padding
 * is made here, since node:crypto hashes what it signs.
 */
import {
  constants,
  createHash,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** RFC 8017, 9.2 note 1: what stands before the hash. */
const DIGEST_INFO: Readonly<Record<string, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

export interface RsaDigest {
  readonly hash: string;
  readonly isPss: boolean;
  readonly digest: Uint8Array;
}

const digestInfo = ({ hash, digest }: RsaDigest): Buffer =>
  Buffer.concat([Buffer.from(DIGEST_INFO[hash] ?? '', 'hex'), digest]);

export function signDigestRsa(key: KeyObject, request: RsaDigest): Buffer {
  if (!request.isPss) return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo(request));
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encodePss(request, bits));
}

export function verifyDigestRsa(key: KeyObject, request: RsaDigest, signature: Uint8Array): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (signature.length !== bits / 8) return false;
  try {
    if (request.isPss) return checkPss(request, publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature));
    const found = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    const wanted = digestInfo(request);
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  } catch {
    return false;
  }
}

function mask(seed: Buffer, length: number, hash: string): Buffer {
  const parts: Buffer[] = [];
  for (let counter = 0; Buffer.concat(parts).length < length; counter += 1) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    parts.push(createHash(hash).update(seed).update(number).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

const xor = (left: Buffer, right: Buffer): Buffer => Buffer.from(left.map((byte, at) => byte ^ (right[at] ?? 0)));

const saltedHash = ({ hash, digest }: RsaDigest, salt: Uint8Array): Buffer =>
  createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();

function encodePss(request: RsaDigest, bits: number): Buffer {
  const salt = randomBytes(request.digest.length);
  const seed = saltedHash(request, salt);
  const block = Buffer.alloc(bits / 8 - seed.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masked = xor(block, mask(seed, block.length, request.hash));
  // The modulus's top bit is set, so the encoded message has one bit less.
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return Buffer.concat([masked, seed, Buffer.from([0xbc])]);
}

function checkPss(request: RsaDigest, encoded: Buffer): boolean {
  const hashBytes = request.digest.length;
  const masked = encoded.subarray(0, encoded.length - hashBytes - 1);
  const seed = encoded.subarray(masked.length, masked.length + hashBytes);
  if (encoded[encoded.length - 1] !== 0xbc || ((masked[0] ?? 0) & 0x80) !== 0) return false;
  const block = xor(masked, mask(seed, masked.length, request.hash));
  block[0] = (block[0] ?? 0) & 0x7f;
  const saltAt = block.length - hashBytes;
  if (block[saltAt - 1] !== 1 || block.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false;
  return timingSafeEqual(saltedHash(request, block.subarray(saltAt)), seed);
}
