/** A PKCS#11 profile without a vendor's particulars, for hosts over SoftHSM and over the misbehaving modules. */
import { CKG, CKM } from '../../src/adapters/pkcs11/constants.ts';
import type { Pkcs11Profile } from '../../src/adapters/pkcs11/profile.ts';

export const PLAIN_PROFILE: Pkcs11Profile = {
  adapter: 'cloudhsm',
  wrap: {
    'rsa-oaep-sha1': {
      numbers: [CKM.RSA_PKCS_OAEP],
      oaep: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
      valueLenOnUnwrap: false,
    },
  },
  rsaKeyPairGen: [CKM.RSA_PKCS_KEY_PAIR_GEN],
  uniqueIds: false,
  canSetAttributes: true,
  privateKeyWrapping: { allowed: true, reason: '' },
  settle: { reads: 1, intervalMs: 1 },
  rates: {},
  keyLimit: null,
};
