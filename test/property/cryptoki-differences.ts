/** Where the simulated module may answer otherwise than SoftHSM 2.6.1, and why. A pair of answers that is not listed fails the test. */
import { CKR } from '../../src/adapters/pkcs11/constants.ts';

export interface Difference {
  readonly call: string;
  readonly situation: string;
  readonly ours: number;
  readonly softHsm: number;
  readonly source: string;
}

const row = (call: string, situation: string, ours: number, softHsm: number, source: string): Difference => ({
  call,
  situation,
  ours,
  softHsm,
  source,
});

const RULES = 'pkcs11-base v2.40 §4.1.1';
const ERRORS = 'pkcs11-base v2.40 §5.1.6';

// biome-ignore format: one line per difference
export const DIFFERENCES: readonly Difference[] = [
  row('C_CreateObject', 'a CK_BBOOL of 2', CKR.ATTRIBUTE_VALUE_INVALID, CKR.OK, `${RULES}: an invalid value is refused; SoftHSM takes any byte`),
  row('C_CreateObject', 'an AES key of 15 bytes', CKR.ATTRIBUTE_VALUE_INVALID, CKR.OK, 'pkcs11-curr v2.40 §2.12.2: AES values have 16, 24 or 32 bytes'),
  row('C_CreateObject', 'one attribute twice, with two values', CKR.TEMPLATE_INCONSISTENT, CKR.OK, `${RULES}: conflicting attributes; SoftHSM takes the last`),
  row('C_GenerateKey', 'a CK_BBOOL of 2', CKR.ATTRIBUTE_VALUE_INVALID, CKR.OK, `${RULES}: an invalid value is refused`),
  row('C_CreateObject', 'a CK_BBOOL of 2, then a read-only attribute', CKR.ATTRIBUTE_VALUE_INVALID, CKR.ATTRIBUTE_READ_ONLY, 'follows from the first row'),
  row('C_GenerateKey', 'a CK_BBOOL of 2, then a read-only attribute', CKR.ATTRIBUTE_VALUE_INVALID, CKR.ATTRIBUTE_READ_ONLY, 'follows from the row above'),
  row('C_UnwrapKey', 'a CK_BBOOL of 2, then a read-only attribute', CKR.ATTRIBUTE_VALUE_INVALID, CKR.ATTRIBUTE_READ_ONLY, 'follows from the rows above'),
  row('C_SetAttributeValue', 'a CK_BBOOL of 2', CKR.ATTRIBUTE_VALUE_INVALID, CKR.OK, `${RULES}: an invalid value is refused`),
  row('C_SetAttributeValue', 'copyable, trusted, wrap-with-trusted, extractable to what they are, or one way', CKR.OK, CKR.ATTRIBUTE_READ_ONLY, 'pkcs11-base v2.40 §4.4, §4.7: changeable in one direction; SoftHSM has them read-only'),
  row('C_SetAttributeValue', 'one of those, then a foreign attribute', CKR.ATTRIBUTE_TYPE_INVALID, CKR.ATTRIBUTE_READ_ONLY, 'follows from the row above: SoftHSM stops earlier'),
  row('C_SetAttributeValue', 'one of those, then a bad value', CKR.ATTRIBUTE_VALUE_INVALID, CKR.ATTRIBUTE_READ_ONLY, 'follows from the row above: SoftHSM stops earlier'),
  row('C_UnwrapKey', 'CKA_MODIFIABLE false, then another attribute', CKR.OK, CKR.ATTRIBUTE_READ_ONLY, 'pkcs11-base v2.40 §4.4: modifiable concerns changes after creation (SoftHSM measured)'),
  row('C_UnwrapKey', 'an RSA-OAEP or AES-KW blob that does not open', CKR.WRAPPED_KEY_INVALID, CKR.GENERAL_ERROR, `${ERRORS}: CKR_WRAPPED_KEY_INVALID`),
  row('C_UnwrapKey', 'an RSA blob that is not as long as the modulus', CKR.WRAPPED_KEY_LEN_RANGE, CKR.GENERAL_ERROR, `${ERRORS}: CKR_WRAPPED_KEY_LEN_RANGE`),
  row('C_UnwrapKey', 'a payload of a length that the key type has not', CKR.WRAPPED_KEY_LEN_RANGE, CKR.OK, `${ERRORS}: CKR_WRAPPED_KEY_LEN_RANGE; SoftHSM stores any length as any type`),
  row('C_UnwrapKey', 'a read-only attribute in the template, and a blob that does not open', CKR.ATTRIBUTE_READ_ONLY, CKR.GENERAL_ERROR, 'two errors at once: we look at the template first, SoftHSM at the blob'),
  row('C_UnwrapKey', 'a foreign attribute in the template, and a blob that does not open', CKR.ATTRIBUTE_TYPE_INVALID, CKR.GENERAL_ERROR, 'two errors at once: we look at the template first, SoftHSM at the blob'),
  row('C_UnwrapKey', 'a bad value in the template, and a blob that does not open', CKR.ATTRIBUTE_VALUE_INVALID, CKR.GENERAL_ERROR, 'two errors at once: we look at the template first, SoftHSM at the blob'),
  row('C_UnwrapKey', 'a CK_BBOOL of 2', CKR.ATTRIBUTE_VALUE_INVALID, CKR.OK, `${RULES}: an invalid value is refused`),
  row('C_WrapKey', 'AES-KW of a private key whose PKCS#8 is no multiple of 8 bytes', CKR.KEY_SIZE_RANGE, CKR.OK, 'RFC 3394 §2; SoftHSM pads every PKCS#8 to 8 bytes, also under RFC 5649 (measured)'),
  row('C_WrapKey', 'a public key as payload', CKR.KEY_NOT_WRAPPABLE, CKR.KEY_UNEXTRACTABLE, 'pkcs11-base v2.40 §5.13: a public key has no CKA_EXTRACTABLE'),
  row('C_Encrypt', 'no such key', CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID, `${ERRORS}: CKR_KEY_HANDLE_INVALID for keys of an operation`),
  row('C_Decrypt', 'no such key', CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID, `${ERRORS}: CKR_KEY_HANDLE_INVALID for keys of an operation`),
  row('C_Sign', 'no such key', CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID, `${ERRORS}: CKR_KEY_HANDLE_INVALID for keys of an operation`),
  row('C_Logout', 'nobody is logged in', CKR.USER_NOT_LOGGED_IN, CKR.OK, 'pkcs11-base v2.40 §5.6, C_Logout'),
];

export const isAllowed = (call: string, ours: number, softHsm: number): boolean =>
  ours === softHsm || DIFFERENCES.some((each) => each.call === call && each.ours === ours && each.softHsm === softHsm);
