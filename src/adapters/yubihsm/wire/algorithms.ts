/**
 * Algorithm numbers of the YubiHSM 2 by Yubico's names, and how long the keys of each are. An algorithm that is not here is one of newer
 * firmware: it is shown by its number and never guessed at.
 */

export const ALGORITHM = {
  'rsa-pkcs1-sha1': 1,
  'rsa-pkcs1-sha256': 2,
  'rsa-pkcs1-sha384': 3,
  'rsa-pkcs1-sha512': 4,
  'rsa-pss-sha1': 5,
  'rsa-pss-sha256': 6,
  'rsa-pss-sha384': 7,
  'rsa-pss-sha512': 8,
  rsa2048: 9,
  rsa3072: 10,
  rsa4096: 11,
  ecp256: 12,
  ecp384: 13,
  ecp521: 14,
  eck256: 15,
  ecbp256: 16,
  ecbp384: 17,
  ecbp512: 18,
  'hmac-sha1': 19,
  'hmac-sha256': 20,
  'hmac-sha384': 21,
  'hmac-sha512': 22,
  'ecdsa-sha1': 23,
  ecdh: 24,
  'rsa-oaep-sha1': 25,
  'rsa-oaep-sha256': 26,
  'rsa-oaep-sha384': 27,
  'rsa-oaep-sha512': 28,
  'aes128-ccm-wrap': 29,
  'opaque-data': 30,
  'opaque-x509-certificate': 31,
  'mgf1-sha1': 32,
  'mgf1-sha256': 33,
  'mgf1-sha384': 34,
  'mgf1-sha512': 35,
  'template-ssh': 36,
  'aes128-yubico-otp': 37,
  'aes128-yubico-authentication': 38,
  'aes192-yubico-otp': 39,
  'aes256-yubico-otp': 40,
  'aes192-ccm-wrap': 41,
  'aes256-ccm-wrap': 42,
  'ecdsa-sha256': 43,
  'ecdsa-sha384': 44,
  'ecdsa-sha512': 45,
  ed25519: 46,
  ecp224: 47,
  'rsa-pkcs1-decrypt': 48,
  'ecp256-yubico-authentication': 49,
  aes128: 50,
  aes192: 51,
  aes256: 52,
  'aes-ecb': 53,
  'aes-cbc': 54,
  'aes-kwp': 55,
} as const;

export type AlgorithmName = keyof typeof ALGORITHM;
export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

const NAMES: ReadonlyMap<number, AlgorithmName> = new Map(
  Object.entries(ALGORITHM).map(([name, value]) => [value, name as AlgorithmName]),
);

/** For people: `algorithm-200` for a number that has no name. */
export function algorithmName(value: number): string {
  return NAMES.get(value) ?? `algorithm-${value}`;
}

export function isAlgorithmName(name: string): name is AlgorithmName {
  return Object.hasOwn(ALGORITHM, name);
}

const table = <Value>(entries: Partial<Record<AlgorithmName, Value>>): ReadonlyMap<number, Value> =>
  new Map(Object.entries(entries).map(([name, value]) => [ALGORITHM[name as AlgorithmName], value]));

const RSA_MODULUS_BYTES = table({ rsa2048: 256, rsa3072: 384, rsa4096: 512 });
const EC_COORDINATE_BYTES = table({
  ecp224: 28,
  ecp256: 32,
  ecp384: 48,
  ecp521: 66,
  eck256: 32,
  ecbp256: 32,
  ecbp384: 48,
  ecbp512: 64,
});
const AES_KEY_BYTES = table({ aes128: 16, aes192: 24, aes256: 32 });
const CCM_WRAP_KEY_BYTES = table({ 'aes128-ccm-wrap': 16, 'aes192-ccm-wrap': 24, 'aes256-ccm-wrap': 32 });
const OTP_AEAD_KEY_BYTES = table({ 'aes128-yubico-otp': 16, 'aes192-yubico-otp': 24, 'aes256-yubico-otp': 32 });
/** RFC 2104: B, the block of the hash, which is how long a key may be, and L, its output. */
const HMAC = table<{ readonly block: number; readonly output: number; readonly hash: HashName }>({
  'hmac-sha1': { block: 64, output: 20, hash: 'sha1' },
  'hmac-sha256': { block: 64, output: 32, hash: 'sha256' },
  'hmac-sha384': { block: 128, output: 48, hash: 'sha384' },
  'hmac-sha512': { block: 128, output: 64, hash: 'sha512' },
});
const OAEP_HASH = table<HashName>({
  'rsa-oaep-sha1': 'sha1',
  'rsa-oaep-sha256': 'sha256',
  'rsa-oaep-sha384': 'sha384',
  'rsa-oaep-sha512': 'sha512',
});
const MGF1_HASH = table<HashName>({
  'mgf1-sha1': 'sha1',
  'mgf1-sha256': 'sha256',
  'mgf1-sha384': 'sha384',
  'mgf1-sha512': 'sha512',
});

export const HASH_BYTES: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

export const isRsa = (algorithm: number): boolean => RSA_MODULUS_BYTES.has(algorithm);
/** Weierstrass curves; Ed25519 is not one of them. */
export const isEc = (algorithm: number): boolean => EC_COORDINATE_BYTES.has(algorithm);
export const isEd25519 = (algorithm: number): boolean => algorithm === ALGORITHM.ed25519;
export const isAsymmetric = (algorithm: number): boolean => isRsa(algorithm) || isEc(algorithm) || isEd25519(algorithm);
export const isAes = (algorithm: number): boolean => AES_KEY_BYTES.has(algorithm);
export const isCcmWrap = (algorithm: number): boolean => CCM_WRAP_KEY_BYTES.has(algorithm);
export const isHmac = (algorithm: number): boolean => HMAC.has(algorithm);
export const isOpaque = (algorithm: number): boolean =>
  algorithm === ALGORITHM['opaque-data'] || algorithm === ALGORITHM['opaque-x509-certificate'];
export const isTemplate = (algorithm: number): boolean => algorithm === ALGORITHM['template-ssh'];

/** undefined: the algorithm is not of that kind. */
export const rsaModulusBytes = (algorithm: number): number | undefined => RSA_MODULUS_BYTES.get(algorithm);
export const ecCoordinateBytes = (algorithm: number): number | undefined => EC_COORDINATE_BYTES.get(algorithm);
export const aesKeyBytes = (algorithm: number): number | undefined => AES_KEY_BYTES.get(algorithm);
export const ccmWrapKeyBytes = (algorithm: number): number | undefined => CCM_WRAP_KEY_BYTES.get(algorithm);
export const otpAeadKeyBytes = (algorithm: number): number | undefined => OTP_AEAD_KEY_BYTES.get(algorithm);
export const hmacSizes = (
  algorithm: number,
): { readonly block: number; readonly output: number; readonly hash: HashName } | undefined => HMAC.get(algorithm);
export const oaepHash = (algorithm: number): HashName | undefined => OAEP_HASH.get(algorithm);
export const mgf1Hash = (algorithm: number): HashName | undefined => MGF1_HASH.get(algorithm);

/** Length in bytes of the public key as the device gives it: n, X|Y, or the Ed25519 point. */
export function publicKeyBytes(algorithm: number): number | undefined {
  const coordinate = EC_COORDINATE_BYTES.get(algorithm);
  if (coordinate !== undefined) return 2 * coordinate;
  return isEd25519(algorithm) ? 32 : RSA_MODULUS_BYTES.get(algorithm);
}

/** Length in bytes of the private key as `put-asymmetric-key` takes it: p|q, d, or the Ed25519 seed. */
export function privateKeyBytes(algorithm: number): number | undefined {
  return isEd25519(algorithm) ? 32 : (EC_COORDINATE_BYTES.get(algorithm) ?? RSA_MODULUS_BYTES.get(algorithm));
}
