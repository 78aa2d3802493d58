/**
 * KMS key specs in keyferry's words, in one table, and the spec that a source key needs. Only specs that KMS documents for import are
 * here; ML-DSA, Ed25519 and SM2 are left out. https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 */
import type { KeyMetadata, KeySpec, KeyUsageType } from '@aws-sdk/client-kms';
import type { KeyAttributes } from '../../keys/attributes.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import { CURVES, type Curve, type KeyClass, type KeyType } from '../../keys/key-spec.ts';
import { type Locator, labelHex, labelText } from '../../keys/locator.ts';
import { LABEL_TAG, type Tags } from './tags.ts';

export const KEY_SPECS = [
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
] as const satisfies readonly KeySpec[];
export type ImportableSpec = (typeof KEY_SPECS)[number];

export const KEY_USAGES = [
  'ENCRYPT_DECRYPT',
  'SIGN_VERIFY',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
] as const satisfies readonly KeyUsageType[];
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface SpecModel {
  readonly class: KeyClass;
  readonly type: KeyType;
  readonly bits: number;
  readonly usages: readonly KeyUsage[];
  /** Of raw material: how many bytes KMS takes. null: PKCS#8. */
  readonly materialBytes: { readonly least: number; readonly most: number } | null;
}

const hmac = (bits: number, least: number, most: number): SpecModel => ({
  class: 'secret',
  type: 'generic-secret',
  bits,
  usages: ['GENERATE_VERIFY_MAC'],
  materialBytes: { least, most },
});
const rsa = (bits: number): SpecModel => ({
  class: 'private',
  type: 'rsa',
  bits,
  usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  materialBytes: null,
});
const ec = (bits: number): SpecModel => ({
  class: 'private',
  type: 'ec',
  bits,
  usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  materialBytes: null,
});

export const SPEC_MODELS: Readonly<Record<ImportableSpec, SpecModel>> = {
  SYMMETRIC_DEFAULT: {
    class: 'secret',
    type: 'aes',
    bits: 256,
    usages: ['ENCRYPT_DECRYPT'],
    materialBytes: { least: 32, most: 32 },
  },
  HMAC_224: hmac(224, 28, 64),
  HMAC_256: hmac(256, 32, 64),
  HMAC_384: hmac(384, 48, 128),
  HMAC_512: hmac(512, 64, 128),
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: ec(256),
  ECC_NIST_P384: ec(384),
  ECC_NIST_P521: ec(521),
  // Not KEY_AGREEMENT: DeriveSharedSecret knows the NIST curves only.
  ECC_SECG_P256K1: { ...ec(256), usages: ['SIGN_VERIFY'] },
};

export const SPEC_BY_CURVE: Readonly<Record<Curve, ImportableSpec>> = {
  'P-256': 'ECC_NIST_P256',
  'P-384': 'ECC_NIST_P384',
  'P-521': 'ECC_NIST_P521',
  secp256k1: 'ECC_SECG_P256K1',
};

export const importableSpec = (spec: string | undefined): ImportableSpec | undefined =>
  KEY_SPECS.find((known) => known === spec);

const OTHER: Pick<SpecModel, 'class' | 'type' | 'bits'> = { class: 'private', type: 'other', bits: 0 };

export const modelOf = (spec: string | undefined): Pick<SpecModel, 'class' | 'type' | 'bits'> => {
  const known = importableSpec(spec);
  return known === undefined ? OTHER : SPEC_MODELS[known];
};

function attributesOf(metadata: KeyMetadata): KeyAttributes {
  const isSecret = modelOf(metadata.KeySpec).class === 'secret';
  const isLocal = metadata.Origin === 'AWS_KMS';
  const { KeyUsage: usage } = metadata;
  const isSigning = usage === 'SIGN_VERIFY' || usage === 'GENERATE_VERIFY_MAC';
  return {
    token: true,
    private: true,
    sensitive: true,
    extractable: false,
    alwaysSensitive: isLocal,
    neverExtractable: isLocal,
    local: isLocal,
    encrypt: isSecret && usage === 'ENCRYPT_DECRYPT',
    decrypt: usage === 'ENCRYPT_DECRYPT',
    sign: isSigning,
    verify: isSecret && isSigning,
    wrap: false,
    unwrap: false,
    derive: usage === 'KEY_AGREEMENT',
  };
}

/** Its spec by the name that it has since 2021, whichever of the two a service gives. */
export const withSpec = (metadata: KeyMetadata): KeyMetadata => {
  const { KeySpec: spec, CustomerMasterKeySpec: older } = metadata;
  return spec === undefined && older !== undefined ? { ...metadata, KeySpec: older } : metadata;
};

/** Scheduled for deletion; a multi-Region primary waits for its replicas to go first. */
export const isPendingDeletion = ({ KeyState: state }: KeyMetadata): boolean =>
  state === 'PendingDeletion' || state === 'PendingReplicaDeletion';

/** The label given at creation, hex; of keys that keyferry did not make, the description. */
export const labelOf = (metadata: KeyMetadata, tags: Tags): string =>
  labelHex(tags[LABEL_TAG] ?? metadata.Description ?? '');

export function locatorOf(serial: string, metadata: KeyMetadata, label: string): Locator {
  const model = modelOf(metadata.KeySpec);
  return {
    serial,
    class: model.class,
    type: model.type,
    id: metadata.KeyId ?? '',
    label,
    fingerprint: null,
  };
}

const whyNotExportable = ({ KeyState: state, DeletionDate: on }: KeyMetadata): string => {
  const never = 'keys never leave AWS KMS';
  switch (state) {
    case 'PendingDeletion':
    case 'PendingReplicaDeletion':
      return `pending deletion${on === undefined ? '' : ` on ${on.toISOString().slice(0, 10)}`}; ${never}`;
    case 'PendingImport':
      return `pending import of its material; ${never}`;
    case 'Disabled':
      return `disabled; ${never}`;
    default:
      return never;
  }
};

export function recordOf(serial: string, metadata: KeyMetadata, tags: Tags): KeyRecord {
  const locator = locatorOf(serial, metadata, labelOf(metadata, tags));
  const text = labelText(locator.label);
  const curve = CURVES.find((name) => SPEC_BY_CURVE[name] === metadata.KeySpec);
  return {
    locator,
    handle: locator.id,
    label: text ?? locator.label,
    labelIsHex: text === undefined,
    id: locator.id,
    class: locator.class,
    type: locator.type,
    bits: modelOf(metadata.KeySpec).bits,
    ...(curve === undefined ? {} : { curve }),
    kcv: null,
    attributes: attributesOf(metadata),
    exportable: false,
    reason: whyNotExportable(metadata),
  };
}
