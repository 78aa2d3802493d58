/** What another service than ours keeps of a key, and its cryptography. Written from the API reference of AWS KMS; shares no code with src. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  randomBytes,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';

export type ForeignState = 'PendingImport' | 'Enabled' | 'Disabled' | 'PendingDeletion';

export interface ForeignKey {
  readonly id: string;
  readonly spec: string;
  readonly usage: string;
  readonly origin: string;
  readonly manager: 'AWS' | 'CUSTOMER';
  readonly description: string;
  readonly policy: string;
  readonly created: number;
  readonly tags: readonly { readonly TagKey: string; readonly TagValue: string }[];
  state: ForeignState;
  material: Buffer | null;
  /** What it was given first; stays when the material goes. */
  first: Buffer | null;
  validTo: number | null;
  deletion: number | null;
  /** Reads that still show what was before. */
  behind: number;
  /** Reads that still show it as being created. */
  creating: number;
}

export const newForeignKey = (given: Partial<ForeignKey>): ForeignKey => ({
  id: randomUUID(),
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'EXTERNAL',
  manager: 'CUSTOMER',
  description: '',
  policy: '',
  created: Date.now() / 1000,
  tags: [],
  state: 'PendingImport',
  material: null,
  first: null,
  validTo: null,
  deletion: null,
  behind: 0,
  creating: 0,
  ...given,
});

export interface WrappingPair {
  readonly spki: Buffer;
  readonly privateKey: KeyObject;
}

/** Making one takes longer than most tests; a service may hand one out more than once. */
const pairs = new Map<number, WrappingPair>();

export function wrappingPair(modulusLength: number): WrappingPair {
  const known = pairs.get(modulusLength);
  if (known !== undefined) return known;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const pair = { spki: publicKey.export({ type: 'spki', format: 'der' }), privateKey };
  pairs.set(modulusLength, pair);
  return pair;
}

/** null: it could not be unwrapped. */
export function unwrap(privateKey: KeyObject, algorithm: string, wrapped: Buffer): Buffer | null {
  const oaepHash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256';
  const oaep = (bytes: Buffer): Buffer =>
    privateDecrypt({ key: privateKey, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, bytes);
  try {
    if (algorithm.startsWith('RSAES_OAEP')) return oaep(wrapped);
    const modulusBytes = (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    const kek = oaep(wrapped.subarray(0, modulusBytes));
    const kwp = createDecipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
    return Buffer.concat([kwp.update(wrapped.subarray(modulusBytes)), kwp.final()]);
  } catch {
    return null;
  }
}

export const isAsymmetric = (spec: string): boolean => /^(RSA|ECC)_/.test(spec);

const HMAC_BYTES: Readonly<Record<string, readonly [number, number]>> = {
  SYMMETRIC_DEFAULT: [32, 32],
  HMAC_224: [28, 64],
  HMAC_256: [32, 64],
  HMAC_384: [48, 128],
  HMAC_512: [64, 128],
};

export function isMaterialFor(spec: string, material: Buffer): boolean {
  if (!isAsymmetric(spec)) {
    const [least, most] = HMAC_BYTES[spec] ?? [1, 0];
    return material.length >= least && material.length <= most;
  }
  try {
    const { asymmetricKeyType: type } = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' });
    return type === (spec.startsWith('RSA') ? 'rsa' : 'ec');
  } catch {
    return false;
  }
}

const privateOf = (key: ForeignKey): KeyObject =>
  createPrivateKey({ key: key.material ?? Buffer.alloc(0), format: 'der', type: 'pkcs8' });

export const spkiOf = (key: ForeignKey): Buffer =>
  createPublicKey(privateOf(key)).export({ type: 'spki', format: 'der' });

const hashOf = (algorithm: string): string => `sha${algorithm.slice(-3)}`;

const signingForm = (key: KeyObject, algorithm: string) =>
  algorithm.startsWith('RSASSA_PSS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key };

export const signed = (key: ForeignKey, algorithm: string, message: Buffer): Buffer =>
  sign(hashOf(algorithm), message, signingForm(privateOf(key), algorithm));

export const isSigned = (key: ForeignKey, algorithm: string, message: Buffer, signature: Buffer): boolean =>
  verify(hashOf(algorithm), message, signingForm(createPublicKey(privateOf(key)), algorithm), signature);

export const macOf = (key: ForeignKey, algorithm: string, message: Buffer): Buffer =>
  createHmac(hashOf(algorithm), key.material ?? Buffer.alloc(0))
    .update(message)
    .digest();

export function encrypted(key: ForeignKey, plaintext: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.material ?? Buffer.alloc(0), iv);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** null: not of this key. */
export function decrypted(key: ForeignKey, blob: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.material ?? Buffer.alloc(0), blob.subarray(0, 12));
    decipher.setAuthTag(blob.subarray(-16));
    return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
  } catch {
    return null;
  }
}
