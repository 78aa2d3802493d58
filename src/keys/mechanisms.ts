/**
 * The wrapping mechanisms that playbooks can name, in one descriptor table. Device numbers and parameters live in the adapters; a
 * number alone says neither hash nor padding, which is why a canary proves a route before it is used.
 */
export interface WrapMechanism {
  readonly name: string;
  /** `whole-object`: the key together with its name and rights, which only a device of the same kind opens. */
  readonly kind: 'rsa-oaep' | 'aes-kw' | 'aes-kwp' | 'aes-kw-pkcs5' | 'rsa-aes-kwp' | 'whole-object';
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly source: string;
}

export const WRAP_MECHANISMS = {
  'rsa-oaep-sha1': {
    name: 'rsa-oaep-sha1',
    kind: 'rsa-oaep',
    hash: 'sha1',
    source: 'RFC 8017 §7.1, MGF1 with the same hash',
  },
  'rsa-oaep-sha256': {
    name: 'rsa-oaep-sha256',
    kind: 'rsa-oaep',
    hash: 'sha256',
    source: 'RFC 8017 §7.1, MGF1 with the same hash',
  },
  'rsa-oaep-sha384': {
    name: 'rsa-oaep-sha384',
    kind: 'rsa-oaep',
    hash: 'sha384',
    source: 'RFC 8017 §7.1, MGF1 with the same hash',
  },
  'rsa-oaep-sha512': {
    name: 'rsa-oaep-sha512',
    kind: 'rsa-oaep',
    hash: 'sha512',
    source: 'RFC 8017 §7.1, MGF1 with the same hash',
  },
  'aes-kw': { name: 'aes-kw', kind: 'aes-kw', source: 'RFC 3394' },
  'aes-kwp': { name: 'aes-kwp', kind: 'aes-kwp', source: 'RFC 5649' },
  'aes-kw-pkcs5': {
    name: 'aes-kw-pkcs5',
    kind: 'aes-kw-pkcs5',
    source: 'RFC 3394 over PKCS#5 padding (CloudHSM vendor mechanism)',
  },
  'rsa-aes-kwp-sha1': {
    name: 'rsa-aes-kwp-sha1',
    kind: 'rsa-aes-kwp',
    hash: 'sha1',
    source:
      'PKCS#11 v3.0 §2.1.21 CKM_RSA_AES_KEY_WRAP: RSA-OAEP of a one-use AES-256 key, then RFC 5649 of the key under it',
  },
  'rsa-aes-kwp-sha256': {
    name: 'rsa-aes-kwp-sha256',
    kind: 'rsa-aes-kwp',
    hash: 'sha256',
    source:
      'PKCS#11 v3.0 §2.1.21 CKM_RSA_AES_KEY_WRAP: RSA-OAEP of a one-use AES-256 key, then RFC 5649 of the key under it',
  },
  'aes-ccm-yubihsm': {
    name: 'aes-ccm-yubihsm',
    kind: 'whole-object',
    source:
      'YubiHSM 2 export-wrapped: the whole object under AES-CCM (nonce of 13 bytes, tag of 16); only a YubiHSM opens it',
  },
  'rsa-aes-kwp-yubihsm': {
    name: 'rsa-aes-kwp-yubihsm',
    kind: 'whole-object',
    source:
      'YubiHSM 2 (firmware 2.4) export-rsa-wrapped: the whole object as CKM_RSA_AES_KEY_WRAP; only a YubiHSM opens it',
  },
} as const satisfies Record<string, WrapMechanism>;

export type WrapMechanismName = keyof typeof WRAP_MECHANISMS;

export const HASH_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;

/** Longest payload in bytes that RSA-OAEP takes: modulus − 2·hash − 2 (RFC 8017 §7.1.1). */
export function oaepCapacity(modulusBits: number, hash: keyof typeof HASH_BYTES): number {
  return Math.ceil(modulusBits / 8) - 2 * HASH_BYTES[hash] - 2;
}
