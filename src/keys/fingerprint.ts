/**
 * A fingerprint compares keys between devices: (method, value), comparable within one method only.
 * Value = hex SHA-256(salt ‖ method ‖ what the key made of fixed public data). The KCV (24 bits) is for people; this decides.
 */
import { createHash } from 'node:crypto';

/**
 * In order of preference. `encrypt-ecb` / `decrypt-ecb`: ECB over the two probe blocks; `mac`: CMAC or HMAC over the probe message;
 * `wrap-kw`: RFC 3394 wrap of the known probe session key; `public-key`: SHA-256 of the SPKI (unsalted meaning, salted value).
 */
export const FINGERPRINT_METHODS = ['encrypt-ecb', 'decrypt-ecb', 'mac', 'wrap-kw', 'public-key'] as const;
export type FingerprintMethod = (typeof FINGERPRINT_METHODS)[number];

export interface Fingerprint {
  readonly method: FingerprintMethod;
  readonly value: string;
}

/** Two fixed, non-zero, distinct 16-byte blocks (four 8-byte blocks for 3DES). Public constants: never E(0), which is GCM's hash key. */
export const PROBE_BLOCKS: Uint8Array = createHash('sha256').update('keyferry fingerprint probe blocks v1').digest();
/** The known session key of `wrap-kw`, 16 bytes. Public constant. */
export const PROBE_SESSION_KEY: Uint8Array = createHash('sha256')
  .update('keyferry fingerprint probe session key v1')
  .digest()
  .subarray(0, 16);
/** The message of `mac`. */
export const PROBE_MESSAGE: Uint8Array = new TextEncoder().encode('keyferry fingerprint probe message v1');

export function fingerprintOf(method: FingerprintMethod, salt: Uint8Array, made: Uint8Array): Fingerprint {
  const value = createHash('sha256').update(salt).update(method).update(made).digest('hex');
  return { method, value };
}

export function sameFingerprint(a: Fingerprint | null, b: Fingerprint | null): boolean {
  return a !== null && b !== null && a.method === b.method && a.value === b.value;
}
