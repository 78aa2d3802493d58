/**
 * Yubico OTP as the device checks it. A token's AES key and private id stand in an AEAD of 36 bytes (nonce, AES-CCM of both, MAC of 8 bytes)
 * under an OTP AEAD key, which is a nonce id of 4 bytes and an AES key; an OTP is one AES block of the token's.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const OTP_BYTES = 16;
export const AEAD_BYTES = 36;
export const NONCE_ID_BYTES = 4;
const KEY_BYTES = 16;
const PRIVATE_ID_BYTES = 6;
/** What an AEAD has inside: a token's key, then its private id. */
export const CREDENTIAL_BYTES = KEY_BYTES + PRIVATE_ID_BYTES;
const NONCE_BYTES = 6;
const MAC_BYTES = 8;
const CCM_NONCE_BYTES = 13;

const OPTIONS = { authTagLength: MAC_BYTES } as const;

const cipherOf = (key: Uint8Array) => `aes-${(key.length * 8) as 128 | 192 | 256}-ccm` as const;

/** Nonce id, nonce, zeros. */
function ccmNonce(material: Uint8Array, nonce: Uint8Array): Uint8Array {
  const whole = new Uint8Array(CCM_NONCE_BYTES);
  whole.set(material.subarray(0, NONCE_ID_BYTES));
  whole.set(nonce, NONCE_ID_BYTES);
  return whole;
}

export function sealAead(material: Uint8Array, credential: Uint8Array): Uint8Array {
  const key = material.subarray(NONCE_ID_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(cipherOf(key), key, ccmNonce(material, nonce), OPTIONS);
  const sealed = Buffer.concat([cipher.update(credential), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, sealed, cipher.getAuthTag()]));
}

/** null: it is not under this key. */
export function openAead(material: Uint8Array, aead: Uint8Array): Uint8Array | null {
  const key = material.subarray(NONCE_ID_BYTES);
  const nonce = ccmNonce(material, aead.subarray(0, NONCE_BYTES));
  const decipher = createDecipheriv(cipherOf(key), key, nonce, OPTIONS);
  decipher.setAuthTag(aead.subarray(-MAC_BYTES));
  try {
    const credential = decipher.update(aead.subarray(NONCE_BYTES, -MAC_BYTES));
    decipher.final();
    return new Uint8Array(credential);
  } catch {
    return null;
  }
}

const RANDOM_BYTES = 2;

/** Use counter (2), session counter (1), timestamp high (1) and low (2), words little-endian. null: not an OTP of this token. */
export function decryptOtp(credential: Uint8Array, otp: Uint8Array): Uint8Array | null {
  const decipher = createDecipheriv('aes-128-ecb', credential.subarray(0, KEY_BYTES), null).setAutoPadding(false);
  const block = decipher.update(otp);
  if (crc16(block) !== GOOD_RESIDUE) return null;
  if (!block.subarray(0, PRIVATE_ID_BYTES).equals(credential.subarray(KEY_BYTES))) return null;
  const [useLow = 0, useHigh = 0, timeLow = 0, timeMiddle = 0, timeHigh = 0, session = 0] = block.subarray(
    PRIVATE_ID_BYTES,
    OTP_BYTES - RANDOM_BYTES - CRC_BYTES,
  );
  return Uint8Array.of(useLow, useHigh, session, timeHigh, timeLow, timeMiddle);
}

const CRC_BYTES = 2;
/** ISO 13239, reflected. What the CRC over a block with its own complemented CRC always is. */
const CRC_POLYNOMIAL = 0x8408;
const GOOD_RESIDUE = 0xf0b8;

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ CRC_POLYNOMIAL : crc >> 1;
  }
  return crc;
}
