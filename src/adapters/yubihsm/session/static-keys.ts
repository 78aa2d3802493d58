/**
 * The two long-lived keys of a symmetric authentication key, and how Yubico's tools make them of a password: PBKDF2-HMAC-SHA256 with a
 * fixed salt, so one password gives the same keys on every device.
 */
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

const SALT = 'Yubico';
const ITERATIONS = 10_000;
export const STATIC_KEY_BYTES = 16;

export interface StaticKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
}

export async function staticKeysFromPassword(password: string): Promise<StaticKeys> {
  const derived = await promisify(pbkdf2)(password, SALT, ITERATIONS, 2 * STATIC_KEY_BYTES, 'sha256');
  const keys = {
    enc: new Uint8Array(derived.subarray(0, STATIC_KEY_BYTES)),
    mac: new Uint8Array(derived.subarray(STATIC_KEY_BYTES)),
  };
  derived.fill(0);
  return keys;
}

export function wipeStaticKeys(keys: StaticKeys): void {
  keys.enc.fill(0);
  keys.mac.fill(0);
}
