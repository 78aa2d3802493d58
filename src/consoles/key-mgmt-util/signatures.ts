/**
 * What `-m` of sign and verify means (AWS CloudHSM user guide, sign). Left out: 5 to 9, RSA-PSS, since no source says with how long a salt
 * the tool signs.
 */
import { CKM } from '../../adapters/pkcs11/constants.ts';

export type SignatureHash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

export interface SignatureMechanism {
  readonly name: string;
  readonly hash: SignatureHash;
  readonly keyType: 'rsa' | 'ec';
  /** CKM_… */
  readonly type: number;
}

const pkcs = (name: string, hash: SignatureHash): SignatureMechanism => ({
  name: `${name}_RSA_PKCS`,
  hash,
  keyType: 'rsa',
  type: CKM.RSA_PKCS,
});
const ecdsa = (name: string, hash: SignatureHash, type: number): SignatureMechanism => ({
  name: `ECDSA_${name}`,
  hash,
  keyType: 'ec',
  type,
});

export const SIGNATURES: Readonly<Record<number, SignatureMechanism>> = {
  0: pkcs('SHA1', 'sha1'),
  1: pkcs('SHA256', 'sha256'),
  2: pkcs('SHA384', 'sha384'),
  3: pkcs('SHA512', 'sha512'),
  4: pkcs('SHA224', 'sha224'),
  15: ecdsa('SHA1', 'sha1', CKM.ECDSA_SHA1),
  16: ecdsa('SHA224', 'sha224', CKM.ECDSA_SHA224),
  17: ecdsa('SHA256', 'sha256', CKM.ECDSA_SHA256),
  18: ecdsa('SHA384', 'sha384', CKM.ECDSA_SHA384),
  19: ecdsa('SHA512', 'sha512', CKM.ECDSA_SHA512),
};

/** DER before the hash (RFC 8017 §9.2, note 1). */
export const DIGEST_INFO: Readonly<Record<SignatureHash, string>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha224: '302d300d06096086480165030402040500041c',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};
