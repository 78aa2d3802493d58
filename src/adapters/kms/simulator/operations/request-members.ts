/** Members that many operations take, with the service model's limits. */
import { blob, flag, integer, listOf, oneOf, required, structure, text, textMap } from '../members.ts';

const KEY_ID_MAX = 2048;

export const keyId = text({ min: 1, max: KEY_ID_MAX });
export const requiredKeyId = required(keyId);
const grantTokens = listOf(text({ min: 1, max: 8192 }), 10);

export const paging = {
  Limit: integer(1, 1000),
  Marker: text({ min: 1, max: 1024, pattern: /^[\u0020-\u00FF]*$/ }),
};

export const tag = structure({
  TagKey: required(text({ min: 1, max: 128 })),
  TagValue: required(text({ max: 256 })),
});

export const policyText = text({ min: 1, max: 131_072, pattern: /^[\t\n\r\u0020-\u00FF]+$/ });
export const policyName = text({ min: 1, max: 128, pattern: /^[\w]+$/ });
export const description = text({ max: 8192 });

/** Taken by every cryptographic operation. Grant tokens are passed over: policies are not enforced. */
export const cryptographic = { GrantTokens: grantTokens, DryRun: flag };
export const encryptionContext = textMap;
export const encryptionAlgorithm = oneOf(['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']);
/** Of a Nitro enclave. */
export const recipient = structure({
  KeyEncryptionAlgorithm: oneOf(['RSAES_OAEP_SHA_256']),
  AttestationDocument: blob(262_144),
});
export const region = text({ min: 1, max: 32, pattern: /^([a-z]+-){2,3}\d+$/ });
export const principal = text({ min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ });
