/** Wrapping and unwrapping of key material by mechanism. What a payload is and who may wrap it is decided elsewhere. */
import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { unwrapKw, unwrapKwPkcs5, unwrapKwp, wrapKw, wrapKwPkcs5, wrapKwp } from '../../../keys/aes-key-wrap.ts';
import { CKG, CKM, CKR } from '../constants.ts';
import type { Mechanism } from '../cryptoki.ts';
import { cbc } from './block-cipher.ts';
import type { CryptoPool } from './crypto-pool.ts';
import { gcmParameter, unwrapGcm, wrapGcm } from './gcm-wrap.ts';
import type { MechanismRow } from './mechanism-table.ts';
import type { Refusals } from './personality.ts';
import { refuse } from './refusal.ts';
import { asymmetricKey, type SimulatedObject } from './simulated-object.ts';

type OaepHash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

const HASHES: Readonly<Record<number, { readonly name: OaepHash; readonly mgf: number; readonly bytes: number }>> = {
  [CKM.SHA_1]: { name: 'sha1', mgf: CKG.MGF1_SHA1, bytes: 20 },
  [CKM.SHA224]: { name: 'sha224', mgf: CKG.MGF1_SHA224, bytes: 28 },
  [CKM.SHA256]: { name: 'sha256', mgf: CKG.MGF1_SHA256, bytes: 32 },
  [CKM.SHA384]: { name: 'sha384', mgf: CKG.MGF1_SHA384, bytes: 48 },
  [CKM.SHA512]: { name: 'sha512', mgf: CKG.MGF1_SHA512, bytes: 64 },
};

const SHA1_ONLY = { hashes: [CKM.SHA_1], matchingMgf: true } as const;
const ONE_TIME_KEY_BYTES = 32;

/** node:crypto has one hash for label and MGF, so a device that allows them to differ is refused there all the same. */
export function oaepHash(
  row: MechanismRow,
  mechanism: Mechanism,
  refusal: number,
): { readonly name: OaepHash; readonly bytes: number } {
  const { parameter } = mechanism;
  const hash = parameter?.kind === 'oaep' ? HASHES[parameter.hash] : undefined;
  if (parameter?.kind !== 'oaep' || hash === undefined) refuse(refusal);
  const allowed = row.oaep ?? SHA1_ONLY;
  if (!allowed.hashes.includes(parameter.hash) || parameter.mgf !== hash.mgf) refuse(refusal);
  return hash;
}

export function initialisationVector(mechanism: Mechanism, bytes: number): Uint8Array {
  const { parameter } = mechanism;
  if (parameter?.kind !== 'bytes' || parameter.value.length !== bytes) refuse(CKR.MECHANISM_PARAM_INVALID);
  return parameter.value;
}

export const modulusBytes = (object: SimulatedObject): number =>
  Math.ceil((asymmetricKey(object).asymmetricKeyDetails?.modulusLength ?? 0) / 8);

function oaepEncrypt(
  object: SimulatedObject,
  hash: { readonly name: OaepHash; readonly bytes: number },
  payload: Uint8Array,
): Buffer | null {
  if (payload.length > modulusBytes(object) - 2 * hash.bytes - 2) return null;
  return publicEncrypt(
    { key: asymmetricKey(object), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash.name },
    payload,
  );
}

export function pkcs1Encrypt(object: SimulatedObject, payload: Uint8Array): Buffer | null {
  if (payload.length > modulusBytes(object) - 11) return null;
  return publicEncrypt({ key: asymmetricKey(object), padding: constants.RSA_PKCS1_PADDING }, payload);
}

/** Checks the parameter before anything else of the call is looked at, as modules do. */
export function checkWrapParameter(row: MechanismRow, mechanism: Mechanism, refusals: Refusals): void {
  if (row.operation === 'rsa-oaep' || row.operation === 'rsa-aes-kwp') oaepHash(row, mechanism, refusals.oaepParameter);
  if (row.operation === 'aes-cbc-pad') initialisationVector(mechanism, 16);
  if (row.operation === 'aes-gcm') gcmParameter(mechanism);
}

/** Lengths that show by themselves that it is no wrapped key; for RSA the key must be known first. */
export function checkWrappedLength(row: MechanismRow, wrapped: Uint8Array): void {
  switch (row.operation) {
    case 'aes-kw':
    case 'aes-kw-pkcs5':
      if (wrapped.length < 24 || wrapped.length % 8 !== 0) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
      return;
    case 'aes-kwp':
      if (wrapped.length < 16 || wrapped.length % 8 !== 0) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
      return;
    case 'aes-cbc-pad':
      if (wrapped.length < 16 || wrapped.length % 16 !== 0) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
  }
}

export interface WrapInput {
  readonly row: MechanismRow;
  readonly mechanism: Mechanism;
  readonly key: SimulatedObject;
  readonly data: Uint8Array;
  readonly refusals: Refusals;
}

/** Refuses with `payloadSize` when the payload does not fit. */
export function wrapPayload({ row, mechanism, key, data, refusals }: WrapInput): Uint8Array {
  return wrapped(row, mechanism, key, data, refusals) ?? refuse(refusals.payloadSize);
}

function wrapped(
  row: MechanismRow,
  mechanism: Mechanism,
  key: SimulatedObject,
  payload: Uint8Array,
  refusals: Refusals,
): Uint8Array | null {
  switch (row.operation) {
    case 'rsa-oaep':
      return oaepEncrypt(key, oaepHash(row, mechanism, refusals.oaepParameter), payload);
    case 'rsa-pkcs':
      return pkcs1Encrypt(key, payload);
    case 'aes-kw':
      return wrapKw(key.material, payload);
    case 'aes-kwp':
      return wrapKwp(key.material, payload);
    case 'aes-kw-pkcs5':
      return wrapKwPkcs5(key.material, payload);
    case 'aes-gcm':
      return wrapGcm(key.material, mechanism, payload);
    case 'aes-cbc-pad':
      return cbc('aes', 'encrypt', {
        key: key.material,
        iv: initialisationVector(mechanism, 16),
        data: payload,
        isPadded: true,
      });
    case 'rsa-aes-kwp': {
      const oneTime = randomBytes(ONE_TIME_KEY_BYTES);
      const head = oaepEncrypt(key, oaepHash(row, mechanism, refusals.oaepParameter), oneTime);
      const tail = wrapKwp(oneTime, payload);
      return head === null || tail === null ? null : Buffer.concat([head, tail]);
    }
    default:
      return refuse(CKR.MECHANISM_INVALID);
  }
}

/** Refuses with `unwrap`, or CKR_WRAPPED_KEY_LEN_RANGE when the length alone shows that it cannot be one. */
export async function unwrapPayload(input: WrapInput, pool: CryptoPool): Promise<Uint8Array> {
  const { row, mechanism, key, data, refusals } = input;
  if (row.operation === 'rsa-oaep' || row.operation === 'rsa-pkcs') {
    if (data.length !== modulusBytes(key)) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
    const payload = await pool.decrypt(
      asymmetricKey(key),
      row.operation === 'rsa-oaep'
        ? { kind: 'oaep', hash: oaepHash(row, mechanism, refusals.oaepParameter).name }
        : { kind: 'pkcs1' },
      data,
    );
    return payload ?? refuse(refusals.unwrap);
  }
  if (row.operation === 'rsa-aes-kwp') {
    const headBytes = modulusBytes(key);
    if (data.length < headBytes + 16) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
    const hash = oaepHash(row, mechanism, refusals.oaepParameter).name;
    const oneTime = await pool.decrypt(asymmetricKey(key), { kind: 'oaep', hash }, data.subarray(0, headBytes));
    if (oneTime?.length !== ONE_TIME_KEY_BYTES) refuse(refusals.unwrap);
    return unwrapKwp(oneTime, data.subarray(headBytes)) ?? refuse(refusals.unwrap);
  }
  return unwrapSymmetric(input) ?? refuse(refusals.unwrap);
}

function unwrapSymmetric({ row, mechanism, key, data }: WrapInput): Uint8Array | null {
  switch (row.operation) {
    case 'aes-kw':
      return unwrapKw(key.material, data);
    case 'aes-kwp':
      return unwrapKwp(key.material, data);
    case 'aes-kw-pkcs5':
      return unwrapKwPkcs5(key.material, data);
    case 'aes-gcm':
      return unwrapGcm(key.material, mechanism, data);
    case 'aes-cbc-pad':
      return unpadded(mechanism, key, data);
    default:
      return refuse(CKR.MECHANISM_INVALID);
  }
}

function unpadded(mechanism: Mechanism, key: SimulatedObject, data: Uint8Array): Uint8Array | null {
  const iv = initialisationVector(mechanism, 16);
  try {
    return cbc('aes', 'decrypt', { key: key.material, iv, data, isPadded: true });
  } catch {
    return null;
  }
}
