/**
 * AES-GCM as CloudHSM's own mechanism has it (user guide, CKM_CLOUDHSM_AES_GCM): the device makes the IV, 12 bytes, and puts it before the
 * ciphertext, with the tag behind. Tags of 8, 12 to 16 bytes (NIST SP 800-38D §5.2.1.2; the guide's least is 8).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CKR } from '../constants.ts';
import type { Mechanism } from '../cryptoki.ts';
import { refuse } from './refusal.ts';

const IV_BYTES = 12;
const TAG_BITS: readonly number[] = [64, 96, 104, 112, 120, 128];
const NAMES = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const;

interface GcmParameter {
  readonly aad: Uint8Array;
  readonly tagBytes: number;
}

/** Refuses with CKR_MECHANISM_PARAM_INVALID. */
export function gcmParameter({ parameter }: Mechanism): GcmParameter {
  if (parameter?.kind !== 'gcm' || !TAG_BITS.includes(parameter.tagBits)) refuse(CKR.MECHANISM_PARAM_INVALID);
  return { aad: parameter.aad, tagBytes: parameter.tagBits / 8 };
}

const nameOf = (key: Uint8Array): (typeof NAMES)[16 | 24 | 32] =>
  NAMES[key.length as 16 | 24 | 32] ?? refuse(CKR.WRAPPING_KEY_SIZE_RANGE);

export function wrapGcm(key: Uint8Array, mechanism: Mechanism, payload: Uint8Array): Buffer {
  const { aad, tagBytes } = gcmParameter(mechanism);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(nameOf(key), key, iv, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  return Buffer.concat([iv, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
}

/** Null when it does not open. */
export function unwrapGcm(key: Uint8Array, mechanism: Mechanism, wrapped: Uint8Array): Buffer | null {
  const { aad, tagBytes } = gcmParameter(mechanism);
  if (wrapped.length <= IV_BYTES + tagBytes) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
  const cipher = createDecipheriv(nameOf(key), key, wrapped.subarray(0, IV_BYTES), { authTagLength: tagBytes });
  cipher.setAAD(aad);
  cipher.setAuthTag(wrapped.subarray(wrapped.length - tagBytes));
  try {
    return Buffer.concat([cipher.update(wrapped.subarray(IV_BYTES, wrapped.length - tagBytes)), cipher.final()]);
  } catch {
    return null;
  }
}
