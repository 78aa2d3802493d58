/**
 * `purpose: wrapping`: a wrapping key can wrap, an unwrapping key can unwrap, and neither can do anything else. Many devices default to
 * DECRYPT on the private half, with which every wrapped key could be opened in clear.
 */
import type { KeyAttributes } from '../../keys/attributes.ts';
import type { Violation } from '../adapter.ts';
import { boolOf } from './attribute-codec.ts';
import { CKA } from './constants.ts';
import type { Handle } from './cryptoki.ts';
import type { Token } from './token.ts';

export const UNWRAPPING_PRIVATE: KeyAttributes = {
  private: true,
  sensitive: true,
  extractable: false,
  unwrap: true,
  decrypt: false,
  sign: false,
  derive: false,
};

export const WRAPPING_PUBLIC: KeyAttributes = {
  wrap: true,
  encrypt: false,
  verify: false,
  derive: false,
};

export const TRANSIT_KEK: KeyAttributes = {
  private: true,
  sensitive: true,
  extractable: false,
  wrap: true,
  unwrap: true,
  encrypt: false,
  decrypt: false,
  sign: false,
  verify: false,
  derive: false,
};

/** The private half must have been made on this device: whoever brought it in holds a copy that opens every wrapped key. */
export function notLocal(token: Token, privateKey: Handle): Violation[] {
  const [reading] = token.module.C_GetAttributeValue(token.lookups, privateKey, [CKA.LOCAL]);
  const isLocal = boolOf(reading?.value ?? null);
  if (isLocal === true) return [];
  const why = isLocal === undefined ? 'does not say whether' : 'says that it is not so that';
  return [
    { code: 'wrapping-key-not-local', message: `${token.name} ${why} the unwrapping key was made on it (CKA_LOCAL).` },
  ];
}
