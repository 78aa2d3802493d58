/**
 * Ciphertexts of symmetric keys: opaque to callers, bound to key, material and encryption context (AES-256-GCM under the material, the rest
 * authenticated). The format is the simulator's own; the real one is not published.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { bytesOf, currentMaterial, type KeyRecord } from './key-record.ts';
import { refuse } from './service-error.ts';

const MARK = Buffer.from([0x01, 0x02, 0x02, 0x00, 0x6b, 0x66]);
const ID_BYTES = 36;
const MATERIAL_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = MARK.length + ID_BYTES + MATERIAL_BYTES;

export type EncryptionContext = Readonly<Record<string, string>> | undefined;

/** Sorted: the order of a context's members says nothing. */
const canonical = (context: EncryptionContext): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))), 'utf8');

export function encryptUnder(key: KeyRecord, plaintext: Uint8Array, context: EncryptionContext): Buffer {
  const material = currentMaterial(key);
  const head = Buffer.concat([
    MARK,
    Buffer.from(key.id.padEnd(ID_BYTES), 'latin1'),
    Buffer.from(material?.id ?? '', 'hex'),
  ]);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', bytesOf(material), iv);
  cipher.setAAD(Buffer.concat([head, canonical(context)]));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([head, iv, body, cipher.getAuthTag()]);
}

export interface CiphertextHead {
  readonly keyId: string;
  readonly materialId: string;
}

/** What a ciphertext says of itself; nothing of it is authenticated yet. Throws ServiceError `InvalidCiphertextException`. */
export function readHead(ciphertext: Uint8Array): CiphertextHead {
  const bytes = Buffer.from(ciphertext);
  if (bytes.length < HEAD_BYTES + IV_BYTES + TAG_BYTES || !bytes.subarray(0, MARK.length).equals(MARK))
    return refuse('InvalidCiphertextException');
  return {
    keyId: bytes.toString('latin1', MARK.length, MARK.length + ID_BYTES).trimEnd(),
    materialId: bytes.toString('hex', MARK.length + ID_BYTES, HEAD_BYTES),
  };
}

/** Throws ServiceError `InvalidCiphertextException`: changed, or another encryption context. */
export function decryptUnder(key: KeyRecord, ciphertext: Uint8Array, context: EncryptionContext): Buffer {
  const bytes = Buffer.from(ciphertext);
  const { materialId } = readHead(bytes);
  const material = key.materials.find(({ id }) => id === materialId) ?? refuse('InvalidCiphertextException');
  const decipher = createDecipheriv(
    'aes-256-gcm',
    bytesOf(material),
    bytes.subarray(HEAD_BYTES, HEAD_BYTES + IV_BYTES),
  );
  decipher.setAAD(Buffer.concat([bytes.subarray(0, HEAD_BYTES), canonical(context)]));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const body = bytes.subarray(HEAD_BYTES + IV_BYTES, bytes.length - TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    return refuse('InvalidCiphertextException');
  }
}
