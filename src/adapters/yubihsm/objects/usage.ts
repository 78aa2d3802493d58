/** What an object may do: attributes as playbooks write them, and the capabilities that stand for them. */
import { type KeyAttributes, kebabName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import type { KeyType } from '../../../keys/key-spec.ts';
import { type CapabilityName, capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';

type UsageAttribute = (typeof USAGE_ATTRIBUTES)[number];
type UsageTable = Readonly<Partial<Record<UsageAttribute, readonly CapabilityName[]>>>;

const BY_TYPE: Readonly<Partial<Record<KeyType, UsageTable>>> = {
  aes: { encrypt: ['encrypt-ecb', 'encrypt-cbc'], decrypt: ['decrypt-ecb', 'decrypt-cbc'] },
  'generic-secret': { sign: ['sign-hmac'], verify: ['verify-hmac'] },
  rsa: { sign: ['sign-pkcs', 'sign-pss'], decrypt: ['decrypt-pkcs', 'decrypt-oaep'] },
  ec: { sign: ['sign-ecdsa'], derive: ['derive-ecdh'] },
  other: { sign: ['sign-eddsa'] },
};

/** Usage of new keys of which the playbook says nothing. */
export const USUAL: Readonly<Partial<Record<KeyType, KeyAttributes>>> = {
  aes: { encrypt: true, decrypt: true },
  'generic-secret': { sign: true, verify: true },
  rsa: { sign: true },
  ec: { sign: true },
  other: { sign: true },
};

/** Everything that a key can be given for its use, and that it may leave: what a wrap key delegates unless it is told less. */
export const KEY_CAPABILITIES: bigint = capabilityMask([
  'exportable-under-wrap',
  'sign-pkcs',
  'sign-pss',
  'sign-ecdsa',
  'sign-eddsa',
  'decrypt-pkcs',
  'decrypt-oaep',
  'derive-ecdh',
  'sign-hmac',
  'verify-hmac',
  'encrypt-ecb',
  'decrypt-ecb',
  'encrypt-cbc',
  'decrypt-cbc',
]);

export interface Translation {
  readonly capabilities: bigint;
  /** Attributes that were asked for and that a key of this type cannot have here. */
  readonly lacking: readonly string[];
}

export function capabilitiesFor(type: KeyType, attributes: KeyAttributes): Translation {
  const table = BY_TYPE[type] ?? {};
  const names: CapabilityName[] = attributes.extractable === true ? ['exportable-under-wrap'] : [];
  const lacking: string[] = [];
  for (const usage of USAGE_ATTRIBUTES) {
    if (attributes[usage] !== true) continue;
    const found = table[usage];
    if (found === undefined) lacking.push(kebabName(usage));
    else names.push(...found);
  }
  if (attributes.wrapWithTrusted === true) lacking.push(kebabName('wrapWithTrusted'));
  return { capabilities: capabilityMask(names), lacking };
}

/** What a session needs to create and to delete an object of a type. */
export const DELETE_CAPABILITY: Readonly<Record<number, CapabilityName>> = {
  [OBJECT_TYPE.opaque]: 'delete-opaque',
  [OBJECT_TYPE['authentication-key']]: 'delete-authentication-key',
  [OBJECT_TYPE['asymmetric-key']]: 'delete-asymmetric-key',
  [OBJECT_TYPE['wrap-key']]: 'delete-wrap-key',
  [OBJECT_TYPE['hmac-key']]: 'delete-hmac-key',
  [OBJECT_TYPE.template]: 'delete-template',
  [OBJECT_TYPE['otp-aead-key']]: 'delete-otp-aead-key',
  [OBJECT_TYPE['symmetric-key']]: 'delete-symmetric-key',
  [OBJECT_TYPE['public-wrap-key']]: 'delete-public-wrap-key',
};
