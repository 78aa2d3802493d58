/**
 * Which CKM_… number does what on a simulated device. The number alone says neither hash nor padding (two modules may give one number
 * different meanings), so each row names the operation. Key sizes are in the unit PKCS#11 uses: bits for RSA and EC, bytes for the rest.
 */
import { CKK, CKM, CKF_MECHANISM as F } from '../constants.ts';

export type MechanismOperation =
  | 'aes-key-gen'
  | 'des3-key-gen'
  | 'generic-key-gen'
  | 'rsa-key-pair-gen'
  | 'ec-key-pair-gen'
  | 'aes-ecb'
  | 'aes-cbc'
  /** PKCS#7 padding; as a wrap it takes payloads of any length. */
  | 'aes-cbc-pad'
  | 'des3-ecb'
  | 'des3-cbc'
  | 'aes-cmac'
  | 'des3-cmac'
  | 'sha256-hmac'
  | 'rsa-pkcs'
  | 'rsa-oaep'
  /** RFC 3394. */
  | 'aes-kw'
  /** RFC 5649. */
  | 'aes-kwp'
  /** RFC 3394 over PKCS#5 padding to 8 bytes (CloudHSM vendor mechanism). */
  | 'aes-kw-pkcs5'
  /** IV, ciphertext and tag (CloudHSM vendor mechanism). Parameter: `gcm`. */
  | 'aes-gcm'
  /** Hashes, and signs the hash: r ‖ s. The row names the hash. */
  | 'ecdsa'
  /** OAEP of a one-time AES-256 key, then RFC 5649 of the payload under it (CKM_RSA_AES_KEY_WRAP). Parameter: `oaep`. */
  | 'rsa-aes-kwp';

/** `required`: missing is CKR_TEMPLATE_INCOMPLETE · `rejected`: given is CKR_ATTRIBUTE_READ_ONLY · `optional`: checked when given. */
export type ValueLenOnUnwrap = 'required' | 'rejected' | 'optional';

export interface MechanismRow {
  /** CKM_… number. */
  readonly type: number;
  readonly operation: MechanismOperation;
  readonly minKeySize: number;
  readonly maxKeySize: number;
  /** CKF_… bits: the functions that may be called with it. */
  readonly flags: number;
  /** OAEP: CKM_… numbers of the hashes; `matchingMgf`: the MGF's hash must be the same one. Absent: SHA-1 with MGF1-SHA-1 only. */
  readonly oaep?: { readonly hashes: readonly number[]; readonly matchingMgf: boolean };
  /** Of a signature that hashes. */
  readonly hash?: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
  /** Overrides the personality for unwraps by this mechanism. */
  readonly valueLenOnUnwrap?: ValueLenOnUnwrap;
}

/** CKK_… of the key that an operation works with. */
export const OPERATION_KEY_TYPE: Readonly<Record<MechanismOperation, readonly number[]>> = {
  'aes-key-gen': [CKK.AES],
  'des3-key-gen': [CKK.DES3],
  'generic-key-gen': [CKK.GENERIC_SECRET],
  'rsa-key-pair-gen': [CKK.RSA],
  'ec-key-pair-gen': [CKK.EC],
  'aes-ecb': [CKK.AES],
  'aes-cbc': [CKK.AES],
  'aes-cbc-pad': [CKK.AES],
  'des3-ecb': [CKK.DES3],
  'des3-cbc': [CKK.DES3],
  'aes-cmac': [CKK.AES],
  'des3-cmac': [CKK.DES3],
  'sha256-hmac': [CKK.GENERIC_SECRET],
  'rsa-pkcs': [CKK.RSA],
  'rsa-oaep': [CKK.RSA],
  'aes-kw': [CKK.AES],
  'aes-kwp': [CKK.AES],
  'aes-kw-pkcs5': [CKK.AES],
  'aes-gcm': [CKK.AES],
  ecdsa: [CKK.EC],
  'rsa-aes-kwp': [CKK.RSA],
};

const row = (
  type: number,
  operation: MechanismOperation,
  sizes: readonly [number, number],
  flags: number,
): MechanismRow => ({
  type,
  operation,
  minKeySize: sizes[0],
  maxKeySize: sizes[1],
  flags,
});

const CIPHER = F.ENCRYPT | F.DECRYPT;
const MAC = F.SIGN | F.VERIFY;
const KEY_WRAP = F.WRAP | F.UNWRAP;
const AES = [16, 32] as const;
const DES3 = [24, 24] as const;
const RSA = [2048, 8192] as const;

/** Standard numbers only, everything this simulator can do. A device's own table is usually a selection with its vendor's numbers. */
export const GENERIC_MECHANISMS: readonly MechanismRow[] = [
  row(CKM.RSA_PKCS_KEY_PAIR_GEN, 'rsa-key-pair-gen', RSA, F.GENERATE_KEY_PAIR),
  row(CKM.RSA_PKCS, 'rsa-pkcs', RSA, CIPHER | MAC | KEY_WRAP),
  {
    ...row(CKM.RSA_PKCS_OAEP, 'rsa-oaep', RSA, CIPHER | KEY_WRAP),
    oaep: { hashes: [CKM.SHA_1, CKM.SHA256, CKM.SHA384, CKM.SHA512], matchingMgf: true },
  },
  row(CKM.EC_KEY_PAIR_GEN, 'ec-key-pair-gen', [256, 521], F.GENERATE_KEY_PAIR),
  row(CKM.GENERIC_SECRET_KEY_GEN, 'generic-key-gen', [1, 1024], F.GENERATE),
  row(CKM.AES_KEY_GEN, 'aes-key-gen', AES, F.GENERATE),
  row(CKM.AES_ECB, 'aes-ecb', AES, CIPHER),
  row(CKM.AES_CBC, 'aes-cbc', AES, CIPHER),
  row(CKM.AES_CBC_PAD, 'aes-cbc-pad', AES, CIPHER | KEY_WRAP),
  row(CKM.AES_CMAC, 'aes-cmac', AES, MAC),
  row(CKM.AES_KEY_WRAP, 'aes-kw', AES, KEY_WRAP),
  row(CKM.AES_KEY_WRAP_PAD, 'aes-kwp', AES, KEY_WRAP),
  row(CKM.AES_KEY_WRAP_KWP, 'aes-kwp', AES, KEY_WRAP),
  row(CKM.DES3_KEY_GEN, 'des3-key-gen', DES3, F.GENERATE),
  row(CKM.DES3_ECB, 'des3-ecb', DES3, CIPHER),
  row(CKM.DES3_CBC, 'des3-cbc', DES3, CIPHER),
  row(CKM.DES3_CMAC, 'des3-cmac', DES3, MAC),
  row(CKM.SHA256_HMAC, 'sha256-hmac', [1, 1024], MAC),
  {
    ...row(CKM.RSA_AES_KEY_WRAP, 'rsa-aes-kwp', RSA, KEY_WRAP),
    oaep: { hashes: [CKM.SHA_1, CKM.SHA256, CKM.SHA384, CKM.SHA512], matchingMgf: true },
  },
];
