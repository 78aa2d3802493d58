/**
 * AWS CloudHSM through libcloudhsm_pkcs11.so (Client SDK 5). Sources: awsdocs/aws-cloudhsm-user-guide `pkcs11-*`, the samples in
 * aws-samples/aws-cloudhsm-pkcs11-examples, Mastercard/pkcs11-tools MANUAL. The PIN is `crypto-user:password`.
 */
import { CKG, CKM } from '../pkcs11/constants.ts';
import type { Pkcs11Profile, WrapRule } from '../pkcs11/profile.ts';

export const CLOUDHSM_CKM = {
  AES_KEY_WRAP_NO_PAD: 0x80002109,
  AES_KEY_WRAP_PKCS5_PAD: 0x8000210a,
  AES_KEY_WRAP_ZERO_PAD: 0x8000216f,
  AES_GCM: 0x80001087,
} as const;

/** Only the mask generation function of the same hash is accepted. */
const oaep = (hash: number, mgf: number, number: number = CKM.RSA_PKCS_OAEP): WrapRule => ({
  numbers: [number],
  oaep: { hash, mgf },
  valueLenOnUnwrap: false,
});

export const CLOUDHSM_PROFILE: Pkcs11Profile = {
  adapter: 'cloudhsm',
  wrap: {
    'rsa-oaep-sha1': oaep(CKM.SHA_1, CKG.MGF1_SHA1),
    'rsa-oaep-sha256': oaep(CKM.SHA256, CKG.MGF1_SHA256),
    'rsa-oaep-sha384': oaep(CKM.SHA384, CKG.MGF1_SHA384),
    'rsa-oaep-sha512': oaep(CKM.SHA512, CKG.MGF1_SHA512),
    'aes-kw': { numbers: [CLOUDHSM_CKM.AES_KEY_WRAP_NO_PAD, CKM.AES_KEY_WRAP], valueLenOnUnwrap: false },
    'aes-kwp': {
      numbers: [CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD, CKM.AES_KEY_WRAP_KWP, CKM.AES_KEY_WRAP_PAD],
      valueLenOnUnwrap: false,
    },
    'aes-kw-pkcs5': {
      numbers: [CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD, CKM.AES_KEY_WRAP_PAD],
      valueLenOnUnwrap: false,
    },
    'rsa-aes-kwp-sha1': oaep(CKM.SHA_1, CKG.MGF1_SHA1, CKM.RSA_AES_KEY_WRAP),
    'rsa-aes-kwp-sha256': oaep(CKM.SHA256, CKG.MGF1_SHA256, CKM.RSA_AES_KEY_WRAP),
  },
  rsaKeyPairGen: [CKM.RSA_X9_31_KEY_PAIR_GEN, CKM.RSA_PKCS_KEY_PAIR_GEN],
  uniqueIds: true,
  canSetAttributes: false,
  privateKeyWrapping: { allowed: true, reason: '' },
  // Keys are copied to the cluster's other HSMs after the call.
  settle: { reads: 4, intervalMs: 500 },
  rates: {},
  // Depends on the HSM type, which PKCS#11 does not say: `capabilities: { key-limit }` in the devices file.
  keyLimit: null,
};
