/** What a test needs to play a module that wraps in a way of its own: the payload in clear, and the wrapping key. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { boolAttribute, ulongAttribute } from '../../src/adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from '../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki, Handle } from '../../src/adapters/pkcs11/cryptoki.ts';

const KWP_IV = Buffer.from('a65959a6', 'hex');

export const oaep = (bytes: Uint8Array, publicKey: KeyObject, oaepHash: string): Buffer =>
  publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes);

export function rsaKeyAt(real: Cryptoki, session: Handle, object: Handle): KeyObject {
  const numbers = real.C_GetAttributeValue(session, object, [CKA.MODULUS, CKA.PUBLIC_EXPONENT]);
  const [n = '', e = ''] = numbers.map(({ value }) => Buffer.from(value ?? []).toString('base64url'));
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
}

/** The bytes of an extractable key, by way of an AES key that the test knows. */
export async function clearOf(real: Cryptoki, session: Handle, payload: Handle): Promise<Buffer> {
  const value = new Uint8Array(32).fill(5);
  const kek = real.C_CreateObject(session, [
    ulongAttribute(CKA.CLASS, CKO.SECRET_KEY),
    ulongAttribute(CKA.KEY_TYPE, CKK.AES),
    boolAttribute(CKA.TOKEN, false),
    boolAttribute(CKA.WRAP, true),
    { type: CKA.VALUE, value },
  ]);
  const wrapped = await real.C_WrapKey(session, { type: CKM.AES_KEY_WRAP_KWP }, kek, payload);
  real.C_DestroyObject(session, kek);
  const cipher = createDecipheriv('id-aes256-wrap-pad', value, KWP_IV);
  return Buffer.concat([cipher.update(wrapped), cipher.final()]);
}

/** The RSA-AES hybrid, with an inner key of so many bytes. */
export function hybrid(payload: Uint8Array, publicKey: KeyObject, oaepHash: string, bytes: number): Uint8Array {
  const inner = randomBytes(bytes);
  const cipher = createCipheriv(`id-aes${bytes * 8}-wrap-pad`, inner, KWP_IV);
  return Buffer.concat([oaep(inner, publicKey, oaepHash), cipher.update(payload), cipher.final()]);
}
