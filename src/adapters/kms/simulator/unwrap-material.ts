/**
 * Opens EncryptedKeyMaterial: RSAES-OAEP, or RSA_AES_KEY_WRAP (an ephemeral AES-256 key under RSA-OAEP, then the material under it by
 * RFC 5649). The hash of MGF1 is that of OAEP.
 */
import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { unwrapKwp } from '../../../keys/aes-key-wrap.ts';
import { refuse } from './service-error.ts';

const HYBRID = 'RSA_AES_KEY_WRAP_';
const EPHEMERAL_BYTES = 32;

/** Throws ServiceError `ValidationException` for a wrong length, `InvalidCiphertextException` for what does not open. */
export function unwrapMaterial(key: KeyObject, algorithm: string, encrypted: Uint8Array): Buffer {
  const modulusBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const hash = algorithm.endsWith('SHA_256') ? 'sha256' : 'sha1';
  if (!algorithm.startsWith(HYBRID)) {
    if (encrypted.length !== modulusBytes) return refuse('ValidationException', 'Invalid encrypted key size.');
    return openOaep(key, hash, encrypted);
  }
  if (encrypted.length <= modulusBytes) return refuse('ValidationException', 'Invalid encrypted key size.');
  const ephemeral = openOaep(key, hash, encrypted.subarray(0, modulusBytes));
  if (ephemeral.length !== EPHEMERAL_BYTES) return refuse('InvalidCiphertextException');
  return unwrapKwp(ephemeral, encrypted.subarray(modulusBytes)) ?? refuse('InvalidCiphertextException');
}

function openOaep(key: KeyObject, hash: string, data: Uint8Array): Buffer {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, data);
  } catch {
    return refuse('InvalidCiphertextException');
  }
}
