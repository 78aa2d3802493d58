/**
 * Every key spec that the simulator makes and imports: what it may be used for, with which algorithms, and what its material looks like.
 * ML-DSA, Ed25519 and SM2 are named by the API and not done here.
 */
export const KEY_USAGES = ['SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** What the deprecated name of KeySpec takes; newer specs came after it. */
export const CUSTOMER_MASTER_KEY_SPECS = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
] as const;
export const KEY_SPECS = [
  ...CUSTOMER_MASTER_KEY_SPECS,
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
] as const;
export type KeySpec = (typeof KEY_SPECS)[number];

export interface KeySpecRules {
  readonly kind: 'symmetric' | 'hmac' | 'rsa' | 'ecc';
  readonly usages: readonly KeyUsage[];
  readonly signing: readonly string[];
  /** Bytes of raw material, least and most. */
  readonly bytes?: readonly [number, number];
  /** Modulus bits. */
  readonly bits?: number;
  /** OpenSSL's name. */
  readonly curve?: string;
  /** OpenSSL's name of the HMAC's hash. */
  readonly hash?: string;
}

const RSA_SIGNING = ['RSASSA_PSS', 'RSASSA_PKCS1_V1_5'].flatMap((scheme) =>
  ['SHA_256', 'SHA_384', 'SHA_512'].map((hash) => `${scheme}_${hash}`),
);

const rsa = (bits: number): KeySpecRules => ({
  kind: 'rsa',
  usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  signing: RSA_SIGNING,
  bits,
});
const ecc = (curve: string, hash: string, usages: readonly KeyUsage[]): KeySpecRules => ({
  kind: 'ecc',
  usages,
  signing: [`ECDSA_${hash}`],
  curve,
});
/** Lengths of imported HMAC material as localstack's table, which mirrors AWS. */
const hmac = (bits: number, least: number, most: number): KeySpecRules => ({
  kind: 'hmac',
  usages: ['GENERATE_VERIFY_MAC'],
  signing: [],
  bytes: [least, most],
  hash: `sha${bits}`,
});

const RULES: Readonly<Partial<Record<KeySpec, KeySpecRules>>> = {
  SYMMETRIC_DEFAULT: { kind: 'symmetric', usages: ['ENCRYPT_DECRYPT'], signing: [], bytes: [32, 32] },
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: ecc('prime256v1', 'SHA_256', ['SIGN_VERIFY', 'KEY_AGREEMENT']),
  ECC_NIST_P384: ecc('secp384r1', 'SHA_384', ['SIGN_VERIFY', 'KEY_AGREEMENT']),
  ECC_NIST_P521: ecc('secp521r1', 'SHA_512', ['SIGN_VERIFY', 'KEY_AGREEMENT']),
  ECC_SECG_P256K1: ecc('secp256k1', 'SHA_256', ['SIGN_VERIFY']),
  HMAC_224: hmac(224, 28, 64),
  HMAC_256: hmac(256, 32, 64),
  HMAC_384: hmac(384, 48, 128),
  HMAC_512: hmac(512, 64, 128),
};

/** undefined: the simulator does not do it. */
export const rulesOf = (spec: KeySpec): KeySpecRules | undefined => RULES[spec];

const OAEP = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];

/** The algorithms that DescribeKey and GetPublicKey list, by the field's name. */
export function algorithmsOf(spec: KeySpec, usage: KeyUsage): Readonly<Record<string, readonly string[]>> {
  const rules = rulesOf(spec);
  if (rules === undefined) return {};
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return { EncryptionAlgorithms: rules.kind === 'rsa' ? OAEP : ['SYMMETRIC_DEFAULT'] };
    case 'SIGN_VERIFY':
      return { SigningAlgorithms: rules.signing };
    case 'GENERATE_VERIFY_MAC':
      return { MacAlgorithms: [`HMAC_SHA_${spec.slice('HMAC_'.length)}`] };
    case 'KEY_AGREEMENT':
      return { KeyAgreementAlgorithms: ['ECDH'] };
  }
}
