/**
 * RSA signatures and decryption as the device does them: over a digest that the host computed, so the encodings of RFC 8017 (§9.1 PSS, §9.2
 * PKCS #1 v1.5, §7.2.2 decryption) stand here and node does the bare operation. OAEP is in wire/oaep.ts.
 */
import { constants, createHash, type KeyObject, privateDecrypt, randomBytes } from 'node:crypto';
import { HASH_BYTES, type HashName } from '../wire/algorithms.ts';

const SHORTEST_PADDING = 8;

/** DER of DigestInfo up to the digest (§9.2, note 1). */
const DIGEST_INFO: Readonly<Record<HashName, string>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

const modulusBytes = (key: KeyObject): number => (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;

/** The private operation on a number below the modulus; null: it is not. */
function rawPrivate(key: KeyObject, input: Uint8Array): Uint8Array | null {
  try {
    return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, input);
  } catch {
    return null;
  }
}

/** Which hash has digests of so many bytes. */
export function hashOfLength(length: number): HashName | undefined {
  return (Object.keys(HASH_BYTES) as HashName[]).find((name) => HASH_BYTES[name] === length);
}

/**
 * What a signature is asked over: a bare digest, or one that has its DigestInfo in front, as programs on PKCS #11 send it. undefined: neither
 * by its length; null: a DigestInfo of another hash.
 */
export function hashedBy(
  input: Uint8Array,
): { readonly hash: HashName; readonly digest: Uint8Array } | undefined | null {
  const bare = hashOfLength(input.length);
  if (bare !== undefined) return { hash: bare, digest: input };
  if (input[0] !== 0x30 || input[1] !== input.length - 2) return undefined;
  for (const hash of Object.keys(DIGEST_INFO) as HashName[]) {
    const info = Buffer.from(DIGEST_INFO[hash], 'hex');
    if (info.equals(input.subarray(0, info.length))) return { hash, digest: input.subarray(info.length) };
  }
  return null;
}

export function signPkcs1(key: KeyObject, hash: HashName, digest: Uint8Array): Uint8Array | null {
  const info = Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]);
  const encoded = Buffer.alloc(modulusBytes(key), 0xff);
  encoded[0] = 0;
  encoded[1] = 1;
  encoded[encoded.length - info.length - 1] = 0;
  encoded.set(info, encoded.length - info.length);
  return rawPrivate(key, encoded);
}

/** null: the padding is not one of §7.2. */
export function decryptPkcs1(key: KeyObject, ciphertext: Uint8Array): Uint8Array | null {
  const encoded = ciphertext.length === modulusBytes(key) ? rawPrivate(key, ciphertext) : null;
  if (encoded === null || encoded[0] !== 0 || encoded[1] !== 2) return null;
  const separator = encoded.indexOf(0, 2);
  return separator < 2 + SHORTEST_PADDING ? null : encoded.slice(separator + 1);
}

export interface PssParameters {
  readonly hash: HashName;
  readonly mgf1Hash: HashName;
  readonly saltBytes: number;
}

/** null: the salt does not fit. */
export function signPss(key: KeyObject, digest: Uint8Array, parameters: PssParameters): Uint8Array | null {
  const { hash, mgf1Hash, saltBytes } = parameters;
  const encoded = new Uint8Array(modulusBytes(key));
  const data = encoded.subarray(0, encoded.length - digest.length - 1);
  const saltStart = data.length - saltBytes;
  if (saltStart < 1) return null;
  const salt = randomBytes(saltBytes);
  const h = createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest();
  data[saltStart - 1] = 1;
  data.set(salt, saltStart);
  maskWithMgf1(data, h, mgf1Hash);
  data[0] = (data[0] ?? 0) & 0x7f;
  encoded.set(h, data.length);
  encoded[encoded.length - 1] = 0xbc;
  return rawPrivate(key, encoded);
}

/** §B.2.1. */
function maskWithMgf1(target: Uint8Array, seed: Uint8Array, hash: HashName): void {
  const counter = Buffer.alloc(4);
  for (let start = 0; start < target.length; start += HASH_BYTES[hash]) {
    counter.writeUInt32BE(start / HASH_BYTES[hash]);
    const mask = createHash(hash).update(seed).update(counter).digest();
    for (const [index, byte] of mask.subarray(0, target.length - start).entries()) {
      target[start + index] = (target[start + index] ?? 0) ^ byte;
    }
  }
}
