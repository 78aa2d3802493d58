/**
 * Which wrapping mechanism brings which material into KMS, as data, with a reason for each refusal.
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html#select-wrapping-algorithm
 */
import type { AlgorithmSpec } from '@aws-sdk/client-kms';
import type { ImportParametersFields } from '../../keys/import-parameters.ts';
import { oaepCapacity, WRAP_MECHANISMS } from '../../keys/mechanisms.ts';
import { type ImportableSpec, SPEC_MODELS } from './key-model.ts';

export type WrappingSpec = ImportParametersFields['wrappingKeySpec'];
export const WRAPPING_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const satisfies readonly WrappingSpec[];
export const WRAPPING_BITS: Readonly<Record<WrappingSpec, number>> = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 };

/** Mechanism → what KMS calls it. */
export const IMPORT_ALGORITHMS = {
  'rsa-oaep-sha1': 'RSAES_OAEP_SHA_1',
  'rsa-oaep-sha256': 'RSAES_OAEP_SHA_256',
  'rsa-aes-kwp-sha1': 'RSA_AES_KEY_WRAP_SHA_1',
  'rsa-aes-kwp-sha256': 'RSA_AES_KEY_WRAP_SHA_256',
} as const satisfies Record<string, AlgorithmSpec>;
export type ImportMechanism = keyof typeof IMPORT_ALGORITHMS;
export const IMPORT_MECHANISMS = Object.keys(IMPORT_ALGORITHMS) as readonly ImportMechanism[];

export const importMechanism = (name: string): ImportMechanism | undefined =>
  IMPORT_MECHANISMS.find((known) => known === name);

type Rule = { readonly oaep: string | null; readonly hybrid: string | null };

const NOT_DOCUMENTED =
  'AWS KMS documents the RSA-AES hybrid for private keys only; wrap symmetric and HMAC keys with rsa-oaep-sha256 or rsa-oaep-sha1';
const RAW: Rule = { oaep: null, hybrid: NOT_DOCUMENTED };
const RSA_PRIVATE: Rule = {
  oaep: 'an RSA private key is longer than RSA-OAEP can wrap; wrap it with rsa-aes-kwp-sha256 or rsa-aes-kwp-sha1',
  hybrid: null,
};
const EC_PRIVATE: Rule = { oaep: null, hybrid: null };

/** By kind of mechanism: null, allowed; else the reason. */
const RULES: Readonly<Record<ImportableSpec, Rule>> = {
  SYMMETRIC_DEFAULT: RAW,
  HMAC_224: RAW,
  HMAC_256: RAW,
  HMAC_384: RAW,
  HMAC_512: RAW,
  RSA_2048: RSA_PRIVATE,
  RSA_3072: RSA_PRIVATE,
  RSA_4096: RSA_PRIVATE,
  ECC_NIST_P256: EC_PRIVATE,
  ECC_NIST_P384: EC_PRIVATE,
  ECC_NIST_P521: EC_PRIVATE,
  ECC_SECG_P256K1: EC_PRIVATE,
};

/** PKCS#8 DER of a private key with its public point, measured: the most that has to fit. */
const PKCS8_BYTES: Readonly<Partial<Record<ImportableSpec, number>>> = {
  ECC_NIST_P256: 138,
  ECC_SECG_P256K1: 135,
  ECC_NIST_P384: 185,
  ECC_NIST_P521: 241,
};

const hashOf = (mechanism: ImportMechanism): 'sha1' | 'sha256' => WRAP_MECHANISMS[mechanism].hash;
const isHybrid = (mechanism: ImportMechanism): boolean => WRAP_MECHANISMS[mechanism].kind === 'rsa-aes-kwp';

/** null: allowed. `materialBytes`: where the length of raw material is known. */
export function routeProblem(
  spec: ImportableSpec,
  mechanism: ImportMechanism,
  wrapping: WrappingSpec,
  materialBytes?: number,
): string | null {
  const rule = RULES[spec];
  if (isHybrid(mechanism)) return rule.hybrid;
  if (rule.oaep !== null) return rule.oaep;
  const needed = PKCS8_BYTES[spec] ?? materialBytes ?? SPEC_MODELS[spec].materialBytes?.least ?? 0;
  const room = oaepCapacity(WRAPPING_BITS[wrapping], hashOf(mechanism));
  if (needed <= room) return null;
  return `${spec} material (${needed} bytes) does not fit ${mechanism} under ${wrapping} (${room} bytes); choose wrapping-key-spec: RSA_3072 or RSA_4096`;
}

/** What is wrong with the length or form of what was wrapped; null: nothing that can be seen. */
export function blobProblem(bytes: Uint8Array, mechanism: ImportMechanism, wrapping: WrappingSpec): string | null {
  const modulus = WRAPPING_BITS[wrapping] / 8;
  if (isHybrid(mechanism)) {
    // RFC 5649 gives at least two blocks of eight bytes, and whole ones.
    if (bytes.length >= modulus + 16 && (bytes.length - modulus) % 8 === 0 && bytes.length <= LONGEST_BLOB) return null;
  } else if (bytes.length === modulus) return null;
  const form = textForm(bytes);
  const wanted = isHybrid(mechanism) ? `${modulus} bytes and an AES-KWP block after them` : `${modulus} bytes`;
  return `the wrapped key has ${bytes.length} bytes${form === null ? '' : `, and they look like ${form}`}; ${mechanism} under ${wrapping} makes ${wanted}`;
}

const LONGEST_BLOB = 6144;

function textForm(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (text.startsWith('-----BEGIN')) return 'PEM, not binary';
  if (/^[0-9a-fA-F\s]+$/.test(text)) return 'hex text, not binary';
  if (/^[A-Za-z0-9+/\s]+={0,2}$/.test(text)) return 'base64 text, not binary';
  return null;
}
