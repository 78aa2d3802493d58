/**
 * A CloudHSM cluster as SDK 5's PKCS#11 library shows it. Return values that no source gives are the standard's nearest.
 * Left out: the delay with which keys reach the other HSMs of the cluster, and quorum.
 */
import { CKA, CKF_MECHANISM, CKK, CKM, CKO, CKR } from '../../pkcs11/constants.ts';
import type { PersonalityOptions } from '../../pkcs11/simulated-driver.ts';
import { GENERIC_MECHANISMS, type MechanismRow } from '../../pkcs11/simulator/mechanism-table.ts';
import {
  type DefaultRow,
  GENERIC_PERSONALITY,
  type KeyLimit,
  type Personality,
} from '../../pkcs11/simulator/personality.ts';
import { CLOUDHSM_CKM } from '../profile.ts';

const AES_WRAP = { minKeySize: 16, maxKeySize: 32, flags: CKF_MECHANISM.WRAP | CKF_MECHANISM.UNWRAP } as const;

/** SDK 5 has neither the standard's key wrap numbers nor wrapping by CBC. */
const ABSENT: ReadonlySet<number> = new Set([
  CKM.AES_KEY_WRAP,
  CKM.AES_KEY_WRAP_PAD,
  CKM.AES_KEY_WRAP_KWP,
  CKM.AES_CBC_PAD,
]);

const RSA_BITS = { minKeySize: 2048, maxKeySize: 4096 } as const;

/** Beside the usual ones (user guide, PKCS#11 mechanisms, note on OAEP). */
const OAEP = { hashes: [CKM.SHA_1, CKM.SHA224, CKM.SHA256, CKM.SHA384, CKM.SHA512], matchingMgf: true } as const;

const ECDSA: readonly MechanismRow[] = [
  [CKM.ECDSA_SHA1, 'sha1'] as const,
  [CKM.ECDSA_SHA224, 'sha224'] as const,
  [CKM.ECDSA_SHA256, 'sha256'] as const,
  [CKM.ECDSA_SHA384, 'sha384'] as const,
  [CKM.ECDSA_SHA512, 'sha512'] as const,
].map(([type, hash]) => ({
  type,
  operation: 'ecdsa',
  hash,
  minKeySize: 256,
  maxKeySize: 521,
  flags: CKF_MECHANISM.SIGN,
}));

const ownRow = (row: MechanismRow): MechanismRow => {
  if (row.operation === 'rsa-key-pair-gen') return { ...row, ...RSA_BITS };
  return row.oaep === undefined ? row : { ...row, oaep: OAEP };
};

const MECHANISMS: readonly MechanismRow[] = [
  ...GENERIC_MECHANISMS.filter(({ type }) => !ABSENT.has(type)).map(ownRow),
  {
    type: CKM.RSA_X9_31_KEY_PAIR_GEN,
    operation: 'rsa-key-pair-gen',
    ...RSA_BITS,
    flags: CKF_MECHANISM.GENERATE_KEY_PAIR,
  },
  { type: CLOUDHSM_CKM.AES_KEY_WRAP_NO_PAD, operation: 'aes-kw', ...AES_WRAP },
  { type: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD, operation: 'aes-kw-pkcs5', ...AES_WRAP },
  { type: CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD, operation: 'aes-kwp', ...AES_WRAP },
  { type: CLOUDHSM_CKM.AES_GCM, operation: 'aes-gcm', ...AES_WRAP },
  ...ECDSA,
];

/** User guide, getAttribute and genSymKey pages: AES keys do everything but sign; 3DES keys do not wrap; keys are extractable. */
const DEFAULTS: readonly DefaultRow[] = [
  ...GENERIC_PERSONALITY.defaults,
  { attributes: { [CKA.PRIVATE]: true, [CKA.EXTRACTABLE]: true, [CKA.DERIVE]: false } },
  { class: CKO.SECRET_KEY, attributes: { [CKA.SIGN]: false, [CKA.VERIFY]: false } },
  { keyType: CKK.DES3, attributes: { [CKA.WRAP]: false, [CKA.UNWRAP]: false } },
];

/** Quotas of the user guide, per cluster. */
export const HSM_TYPES = ['hsm2m.medium', 'hsm1.medium', 'unlimited'] as const;
export type HsmType = (typeof HSM_TYPES)[number];

export const KEY_LIMITS: Readonly<Record<HsmType, { readonly keys: number; readonly asymmetric: number } | null>> = {
  'hsm2m.medium': { keys: 16_666, asymmetric: 3_333 },
  'hsm1.medium': { keys: 3_300, asymmetric: 3_300 },
  unlimited: null,
};

function keyLimits(type: HsmType): KeyLimit[] {
  const limit = KEY_LIMITS[type];
  if (limit === null) return [];
  return [
    { classes: [CKO.SECRET_KEY, CKO.PUBLIC_KEY, CKO.PRIVATE_KEY], count: limit.keys },
    { classes: [CKO.PUBLIC_KEY, CKO.PRIVATE_KEY], count: limit.asymmetric },
  ];
}

export const CLOUDHSM_PIN = 'crypto_user:simulated-password';

export function cloudhsmPersonality(options: PersonalityOptions & { readonly hsmType: HsmType }): Personality {
  return {
    ...GENERIC_PERSONALITY,
    name: 'cloudhsm',
    tokens: [
      {
        slot: 0,
        label: options.label ?? 'hsm1',
        serial: options.serial,
        manufacturer: 'keyferry simulator',
        model: 'CloudHSM (simulated)',
        firmware: '5.0',
        hardware: false,
        userPin: options.pin ?? CLOUDHSM_PIN,
        officerPin: null,
        // Locked after more than five wrong passwords.
        maxFailedLogins: 6,
        maxSessions: 1024,
      },
    ],
    mechanisms: MECHANISMS,
    defaults: DEFAULTS,
    createClasses: [CKO.PUBLIC_KEY],
    changeable: [],
    uniqueIds: true,
    keyLimits: keyLimits(options.hsmType),
    unknownAttributes: [CKA.SIGN_RECOVER, CKA.VERIFY_RECOVER],
    alwaysPrivate: true,
    // User guide, genRSAKeyPair and the PKCS#11 key types: in FIPS mode e is at least 65537, lengths go in steps of 256.
    rsaPairs: { leastExponent: 65_537, bitsStep: 256 },
    refusals: { ...GENERIC_PERSONALITY.refusals, setAttribute: CKR.FUNCTION_FAILED },
    defects: options.defects,
  };
}
