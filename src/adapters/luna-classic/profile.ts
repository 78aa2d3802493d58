/**
 * CloudHSM Classic and Luna 5 behind PKCS#11. Sources: thalesdocs.com (CKM_RSA_PKCS_OAEP: SHA-1 only in these firmwares; policy 1
 * "private key wrapping" off by default, and turning it on erases the partition), ThalesGroup/luna-samples.
 */
import { CKG, CKM } from '../pkcs11/constants.ts';
import type { Pkcs11Profile } from '../pkcs11/profile.ts';

export const LUNA_CKM = { AES_KW: 0x80000170, AES_KWP: 0x80000171 } as const;

export const LUNA_CLASSIC_PROFILE: Pkcs11Profile = {
  adapter: 'luna-classic',
  wrap: {
    'rsa-oaep-sha1': {
      numbers: [CKM.RSA_PKCS_OAEP],
      oaep: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
      valueLenOnUnwrap: false,
    },
    // Firmware before 7.9.3 wants CKA_VALUE_LEN for AES_KW.
    'aes-kw': { numbers: [LUNA_CKM.AES_KW, CKM.AES_KEY_WRAP], valueLenOnUnwrap: true },
    'aes-kwp': {
      numbers: [LUNA_CKM.AES_KWP, CKM.AES_KEY_WRAP_KWP, CKM.AES_KEY_WRAP_PAD],
      valueLenOnUnwrap: false,
    },
    // Luna 5 does not list it; what stands behind this profile may.
    'rsa-aes-kwp-sha1': {
      numbers: [CKM.RSA_AES_KEY_WRAP],
      oaep: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
      valueLenOnUnwrap: false,
    },
  },
  rsaKeyPairGen: [CKM.RSA_PKCS_KEY_PAIR_GEN, CKM.RSA_X9_31_KEY_PAIR_GEN],
  uniqueIds: false,
  canSetAttributes: true,
  privateKeyWrapping: {
    allowed: false,
    reason: 'private keys are not wrappable by partition policy (private keys can only be cloned to another Luna)',
  },
  // An HA group copies objects to its members after the call.
  settle: { reads: 2, intervalMs: 250 },
  rates: {},
  keyLimit: null,
};
