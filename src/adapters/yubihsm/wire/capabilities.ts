/**
 * Capabilities: what an object may do, or what may be done with it. On the wire a mask of 64 bits, big-endian; here names and a bigint.
 * Bits without a name (newer firmware) are kept in masks and shown as `bit-56`.
 */

/** By bit. */
const NAMES = [
  'get-opaque',
  'put-opaque',
  'put-authentication-key',
  'put-asymmetric-key',
  'generate-asymmetric-key',
  'sign-pkcs',
  'sign-pss',
  'sign-ecdsa',
  'sign-eddsa',
  'decrypt-pkcs',
  'decrypt-oaep',
  'derive-ecdh',
  'export-wrapped',
  'import-wrapped',
  'put-wrap-key',
  'generate-wrap-key',
  'exportable-under-wrap',
  'set-option',
  'get-option',
  'get-pseudo-random',
  'put-mac-key',
  'generate-hmac-key',
  'sign-hmac',
  'verify-hmac',
  'get-log-entries',
  'sign-ssh-certificate',
  'get-template',
  'put-template',
  'reset-device',
  'decrypt-otp',
  'create-otp-aead',
  'randomize-otp-aead',
  'rewrap-from-otp-aead-key',
  'rewrap-to-otp-aead-key',
  'sign-attestation-certificate',
  'put-otp-aead-key',
  'generate-otp-aead-key',
  'wrap-data',
  'unwrap-data',
  'delete-opaque',
  'delete-authentication-key',
  'delete-asymmetric-key',
  'delete-wrap-key',
  'delete-hmac-key',
  'delete-template',
  'delete-otp-aead-key',
  'change-authentication-key',
  'put-symmetric-key',
  'generate-symmetric-key',
  'delete-symmetric-key',
  'decrypt-ecb',
  'encrypt-ecb',
  'decrypt-cbc',
  'encrypt-cbc',
  'put-public-wrap-key',
  'delete-public-wrap-key',
] as const;

export type CapabilityName = (typeof NAMES)[number];

export const CAPABILITY_NAMES: readonly CapabilityName[] = NAMES;

const BITS: ReadonlyMap<string, bigint> = new Map(NAMES.map((name, bit) => [name, 1n << BigInt(bit)]));

/** Every capability that has a name. The factory's authentication key has the other bits too. */
export const ALL_CAPABILITIES: bigint = (1n << BigInt(NAMES.length)) - 1n;

export function isCapabilityName(name: string): name is CapabilityName {
  return BITS.has(name);
}

export function capabilityMask(names: Iterable<CapabilityName>): bigint {
  let mask = 0n;
  for (const name of names) mask |= BITS.get(name) ?? 0n;
  return mask;
}

/** In the order of their bits. */
export function capabilityNames(mask: bigint): readonly string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit += 1) {
    if ((mask >> BigInt(bit)) & 1n) names.push(NAMES[bit] ?? `bit-${bit}`);
  }
  return names;
}

export function hasCapability(mask: bigint, name: CapabilityName): boolean {
  return (mask & (BITS.get(name) ?? 0n)) !== 0n;
}

/** What `mask` has and `allowed` has not; 0n: nothing. */
export const capabilitiesBeyond = (mask: bigint, allowed: bigint): bigint => mask & ~allowed;
