import { describe, expect, it } from 'vitest';
import { CKG, CKM, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { toMechanism } from '../../../../../src/adapters/pkcs11/native/native-values.ts';

const parameter = { kind: 'oaep', hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 } as const;

describe('mechanisms for pkcs11js', () => {
  it('hands OAEP over with hash and mask function', () => {
    expect(toMechanism({ type: CKM.RSA_PKCS_OAEP, parameter })).toMatchObject({
      mechanism: CKM.RSA_PKCS_OAEP,
      parameter: { hashAlg: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
    });
  });

  it('never hands the OAEP structure over for CKM_RSA_AES_KEY_WRAP, which takes another', () => {
    expect(() => toMechanism({ type: CKM.RSA_AES_KEY_WRAP, parameter })).toThrow(
      expect.objectContaining({ name: 'CryptokiError', value: CKR.MECHANISM_PARAM_INVALID }),
    );
  });
});
