/** Encrypt, Decrypt, ReEncrypt: with symmetric keys, and with RSA keys by RSAES-OAEP. */
import { constants, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { decryptUnder, type EncryptionContext, encryptUnder, readHead } from '../ciphertext.ts';
import { privateKeyOf } from '../key-material.ts';
import { currentMaterial, isSymmetric, type KeyRecord, keyArn, type Place } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { algorithmsOf, rulesOf } from '../key-specs.ts';
import { endDryRun, requireUsable } from '../key-state.ts';
import type { StateView } from '../key-store.ts';
import { blob, listOf, oneOf, required } from '../members.ts';
import { acting } from '../operation.ts';
import { refuse } from '../service-error.ts';
import {
  cryptographic,
  encryptionAlgorithm,
  encryptionContext,
  keyId,
  recipient,
  requiredKeyId,
} from './request-members.ts';

const MAX_PLAINTEXT_BYTES = 4096;
const MAX_CIPHERTEXT_BYTES = 6144;
const ciphertext = blob(MAX_CIPHERTEXT_BYTES);
const dryRunModifiers = listOf(oneOf(['IGNORE_CIPHERTEXT']));

/** No attestation document is good here. Most operations that take one cannot answer that they do not support it. */
export function refuseRecipient(given: unknown): void {
  if (given !== undefined) refuse('ValidationException', 'Nitro enclaves (Recipient) are not simulated.');
}

const oaep = (algorithm: string) => ({
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: algorithm === 'RSAES_OAEP_SHA_256' ? 'sha256' : 'sha1',
});

function requireAlgorithm(key: KeyRecord, algorithm: string): void {
  const known = algorithmsOf(key.spec, key.usage).EncryptionAlgorithms ?? [];
  if (!known.includes(algorithm))
    refuse('InvalidKeyUsageException', `Algorithm ${algorithm} and key spec ${key.spec} are incompatible.`);
}

function refuseContext(key: KeyRecord, context: EncryptionContext): void {
  if (!isSymmetric(key) && context !== undefined && Object.keys(context).length > 0)
    refuse('ValidationException', 'EncryptionContext is not supported with asymmetric KMS keys.');
}

interface Sealing {
  readonly key: KeyRecord;
  readonly algorithm: string;
  readonly context: EncryptionContext;
}

function seal({ key, algorithm, context }: Sealing, plaintext: Uint8Array): Buffer {
  requireAlgorithm(key, algorithm);
  refuseContext(key, context);
  if (isSymmetric(key)) return encryptUnder(key, plaintext, context);
  const most = (rulesOf(key.spec)?.bits ?? 0) / 8 - (algorithm === 'RSAES_OAEP_SHA_256' ? 66 : 42);
  if (plaintext.length > most)
    refuse(
      'ValidationException',
      `Algorithm ${algorithm} and key spec ${key.spec} cannot encrypt data larger than ${most} bytes.`,
    );
  return publicEncrypt({ key: createPublicKey(privateKeyOf(key.materials[0])), ...oaep(algorithm) }, plaintext);
}

function open({ key, algorithm, context }: Sealing, sealed: Uint8Array): Buffer {
  requireAlgorithm(key, algorithm);
  refuseContext(key, context);
  if (isSymmetric(key)) return decryptUnder(key, sealed, context);
  try {
    return privateDecrypt({ key: privateKeyOf(key.materials[0]), ...oaep(algorithm) }, sealed);
  } catch {
    return refuse('InvalidCiphertextException');
  }
}

const NO_CIPHERTEXT = 'CiphertextBlob must be specified.';

interface DryRunOptions {
  readonly DryRun: boolean | undefined;
  readonly DryRunModifiers: readonly string[] | undefined;
}

const isCiphertextIgnored = ({ DryRun, DryRunModifiers }: DryRunOptions): boolean =>
  DryRun === true && DryRunModifiers?.includes('IGNORE_CIPHERTEXT') === true;

interface DecryptionKey {
  readonly reference: string | undefined;
  readonly algorithm: string;
  readonly sealed: Uint8Array | undefined;
}

/** A symmetric ciphertext says which key it belongs to; where a key is named as well, it must be that one. */
function decryptionKey(view: StateView, place: Place, { reference, algorithm, sealed }: DecryptionKey): KeyRecord {
  if (algorithm !== 'SYMMETRIC_DEFAULT') {
    if (reference === undefined)
      return refuse('ValidationException', 'KeyId must be specified for asymmetric KMS keys.');
    return findKey(view, place, reference, 'keys-and-aliases');
  }
  const named = reference === undefined ? undefined : findKey(view, place, reference, 'keys-and-aliases');
  if (sealed === undefined) return named ?? refuse('ValidationException', NO_CIPHERTEXT);
  if (named !== undefined) requireAlgorithm(named, algorithm);
  const { keyId: id } = readHead(sealed);
  if (named !== undefined && named.id !== id)
    return refuse(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    );
  return named ?? view.key(id) ?? refuse('InvalidCiphertextException');
}

export const encrypt = acting(
  {
    KeyId: requiredKeyId,
    Plaintext: required(blob(MAX_PLAINTEXT_BYTES)),
    EncryptionContext: encryptionContext,
    EncryptionAlgorithm: encryptionAlgorithm,
    ...cryptographic,
  },
  ({ view, place }, input) => {
    const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
    requireUsable(key, place, 'ENCRYPT_DECRYPT', 'Encrypt');
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const sealed = seal({ key, algorithm, context: input.EncryptionContext }, input.Plaintext);
    endDryRun(input.DryRun);
    return {
      CiphertextBlob: sealed.toString('base64'),
      KeyId: keyArn(place, key.id),
      EncryptionAlgorithm: algorithm,
    };
  },
);

const materialIdOf = (key: KeyRecord, sealed: Uint8Array): Readonly<Record<string, string>> =>
  isSymmetric(key) ? { KeyMaterialId: readHead(sealed).materialId } : {};

export const decrypt = acting(
  {
    CiphertextBlob: ciphertext,
    EncryptionContext: encryptionContext,
    KeyId: keyId,
    EncryptionAlgorithm: encryptionAlgorithm,
    Recipient: recipient,
    DryRunModifiers: dryRunModifiers,
    ...cryptographic,
  },
  ({ view, place }, input) => {
    refuseRecipient(input.Recipient);
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const isIgnored = isCiphertextIgnored(input);
    const sealed = isIgnored ? undefined : input.CiphertextBlob;
    const key = decryptionKey(view, place, { reference: input.KeyId, algorithm, sealed });
    requireUsable(key, place, 'ENCRYPT_DECRYPT', 'Decrypt');
    if (sealed === undefined) {
      endDryRun(isIgnored);
      return refuse('ValidationException', NO_CIPHERTEXT);
    }
    const plaintext = open({ key, algorithm, context: input.EncryptionContext }, sealed);
    endDryRun(input.DryRun);
    return {
      KeyId: keyArn(place, key.id),
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: algorithm,
      ...materialIdOf(key, sealed),
    };
  },
);

export const reEncrypt = acting(
  {
    CiphertextBlob: ciphertext,
    SourceEncryptionContext: encryptionContext,
    SourceKeyId: keyId,
    DestinationKeyId: requiredKeyId,
    DestinationEncryptionContext: encryptionContext,
    SourceEncryptionAlgorithm: encryptionAlgorithm,
    DestinationEncryptionAlgorithm: encryptionAlgorithm,
    DryRunModifiers: dryRunModifiers,
    ...cryptographic,
  },
  ({ view, place }, input) => {
    const isIgnored = isCiphertextIgnored(input);
    const sealed = isIgnored ? undefined : input.CiphertextBlob;
    const from = input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const to = input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const source = decryptionKey(view, place, { reference: input.SourceKeyId, algorithm: from, sealed });
    requireUsable(source, place, 'ENCRYPT_DECRYPT', 'ReEncrypt');
    const target = findKey(view, place, input.DestinationKeyId, 'keys-and-aliases');
    requireUsable(target, place, 'ENCRYPT_DECRYPT', 'ReEncrypt');
    if (sealed === undefined) {
      endDryRun(isIgnored);
      return refuse('ValidationException', NO_CIPHERTEXT);
    }
    const plaintext = open({ key: source, algorithm: from, context: input.SourceEncryptionContext }, sealed);
    const resealed = seal({ key: target, algorithm: to, context: input.DestinationEncryptionContext }, plaintext);
    endDryRun(input.DryRun);
    const { KeyMaterialId: sourceMaterial } = materialIdOf(source, sealed);
    return {
      CiphertextBlob: resealed.toString('base64'),
      SourceKeyId: keyArn(place, source.id),
      KeyId: keyArn(place, target.id),
      SourceEncryptionAlgorithm: from,
      DestinationEncryptionAlgorithm: to,
      ...(sourceMaterial === undefined ? {} : { SourceKeyMaterialId: sourceMaterial }),
      ...(isSymmetric(target) ? { DestinationKeyMaterialId: currentMaterial(target)?.id } : {}),
    };
  },
);
