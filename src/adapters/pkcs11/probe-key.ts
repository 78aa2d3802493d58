/**
 * An RSA key whose private half is in this process: what a device wraps of throw-away keys under its public half can be opened here, and
 * shows what the device's mechanism is. One key for all probes of a process; it protects nothing but keys that live for milliseconds.
 */
import { constants, createDecipheriv, generateKeyPair, type KeyObject, privateDecrypt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { WrapMechanism } from '../../keys/mechanisms.ts';
import { boolAttribute, ulongAttribute } from './attribute-codec.ts';
import { CKA, CKK, CKO, CKR } from './constants.ts';
import { CryptokiError, type Handle } from './cryptoki.ts';
import type { Token } from './token.ts';

const MODULUS_BYTES = 256;
/** RFC 5649 §3. */
const KWP_IV = Buffer.from('a65959a6', 'hex');

let pair: Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> | undefined;
const probePair = () => {
  pair ??= promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BYTES * 8 });
  return pair;
};

/** Its public half as a session object; the caller discards it. Throws CryptokiError. */
export async function importProbeKey(token: Token, session: Handle): Promise<Handle> {
  const jwk = (await probePair()).publicKey.export({ format: 'jwk' });
  return token.module.C_CreateObject(session, [
    ulongAttribute(CKA.CLASS, CKO.PUBLIC_KEY),
    ulongAttribute(CKA.KEY_TYPE, CKK.RSA),
    boolAttribute(CKA.TOKEN, false),
    boolAttribute(CKA.WRAP, true),
    { type: CKA.MODULUS, value: new Uint8Array(Buffer.from(jwk.n ?? '', 'base64url')) },
    { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array(Buffer.from(jwk.e ?? '', 'base64url')) },
  ]);
}

/** `rsa-oaep`, or else the RSA-AES hybrid. */
export interface RsaFormat {
  readonly kind: WrapMechanism['kind'];
  readonly hash: NonNullable<WrapMechanism['hash']>;
}

/** What was wrapped under the probe key; null where it is of another format. The caller wipes it. */
export async function openProbe(wrapped: Uint8Array, { kind, hash }: RsaFormat): Promise<Uint8Array | null> {
  const { privateKey } = await probePair();
  const oaep = (bytes: Uint8Array): Buffer =>
    privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, bytes);
  try {
    if (kind === 'rsa-oaep') return oaep(wrapped);
    // The one-use key must be AES-256: the hybrid's name promises it, and AWS KMS wants it.
    const oneUse = oaep(wrapped.subarray(0, MODULUS_BYTES));
    const cipher = createDecipheriv('id-aes256-wrap-pad', oneUse, KWP_IV);
    oneUse.fill(0);
    return Buffer.concat([cipher.update(wrapped.subarray(MODULUS_BYTES)), cipher.final()]);
  } catch {
    return null;
  }
}

/** A device that says one of these may do in a moment what it did not do now: it must not lose a mechanism for that. */
const PASSING: ReadonlySet<number> = new Set([
  CKR.HOST_MEMORY,
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
  CKR.FUNCTION_CANCELED,
  CKR.DEVICE_ERROR,
  CKR.SESSION_COUNT,
  CKR.OPERATION_ACTIVE,
]);
const TRIES = 4;
const PAUSE_MS = 25;

/** null: the device refused. What may pass is asked again, for a quarter of a second. */
export async function attempt<T>(call: () => Promise<T> | T): Promise<T | null> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      if (!PASSING.has(error.value) || tried === TRIES) return null;
      await setTimeout(PAUSE_MS * 2 ** (tried - 1));
    }
  }
}

/** Session objects die with their session at the latest. */
export function discard(token: Token, session: Handle, object: Handle): void {
  try {
    token.module.C_DestroyObject(session, object);
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
  }
}
