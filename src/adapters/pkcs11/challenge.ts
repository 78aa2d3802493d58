/**
 * Cross challenge, for two copies of a key that have no fingerprint method in common: one side encrypts (or wraps) public random data,
 * the other undoes it. `encrypt`: 32 bytes in ECB; `wrap`: RFC 3394 of a session key that everybody knows.
 */
import { createCipheriv } from 'node:crypto';
import { PROBE_BLOCKS } from '../../keys/fingerprint.ts';
import type { ChallengeKind } from '../adapter.ts';
import { boolAttribute, ulongAttribute } from './attribute-codec.ts';
import { CKA, CKK, CKM, CKO, CKR } from './constants.ts';
import { CryptokiError, type Handle } from './cryptoki.ts';
import { isProbeRefused } from './fingerprints.ts';
import type { KeyFacts } from './key-facts.ts';
import { createSessionKey } from './session-keys.ts';
import type { Token } from './token.ts';

const ECB: Readonly<Record<string, number>> = { aes: CKM.AES_ECB, des3: CKM.DES3_ECB };

/** null: this key cannot do that. */
export async function makeChallenge(
  token: Token,
  facts: KeyFacts,
  kind: ChallengeKind,
  data: Uint8Array,
): Promise<Uint8Array | null> {
  const { module, pool } = token;
  const ecb = ECB[facts.type];
  const keyWrap = token.wrap.get('aes-kw');
  return await orNull(async () => {
    if (kind === 'encrypt') {
      if (facts.attributes.encrypt !== true || ecb === undefined || !token.mechanisms.has(ecb)) return null;
      return await pool.use((session) => module.encrypt(session, { type: ecb }, facts.handle, data));
    }
    if (facts.attributes.wrap !== true || facts.type !== 'aes' || keyWrap === undefined) return null;
    if (token.sessionKeyWay === null) return null;
    const sessionKey = await createSessionKey(token, data);
    try {
      return await pool.use((session) => module.C_WrapKey(session, keyWrap.mechanism, facts.handle, sessionKey));
    } finally {
      module.C_DestroyObject(token.lookups, sessionKey);
    }
  });
}

/** null: this key cannot do that. */
export async function answerChallenge(
  token: Token,
  facts: KeyFacts,
  request: { readonly kind: ChallengeKind; readonly challenge: Uint8Array; readonly data: Uint8Array },
): Promise<boolean | null> {
  const { module, pool } = token;
  const ecb = ECB[facts.type];
  const keyWrap = token.unwrap.get('aes-kw');
  return await orNull(async () => {
    if (request.kind === 'encrypt') {
      if (facts.attributes.decrypt !== true || ecb === undefined || !token.mechanisms.has(ecb)) return null;
      const opened = await pool.use((session) =>
        module.decrypt(session, { type: ecb }, facts.handle, request.challenge),
      );
      return Buffer.compare(opened, request.data) === 0;
    }
    if (facts.attributes.unwrap !== true || facts.type !== 'aes' || keyWrap === undefined) return null;
    const template = [
      ulongAttribute(CKA.CLASS, CKO.SECRET_KEY),
      ulongAttribute(CKA.KEY_TYPE, CKK.AES),
      boolAttribute(CKA.TOKEN, false),
      boolAttribute(CKA.ENCRYPT, true),
    ];
    let opened: Handle;
    try {
      opened = await pool.use((session) =>
        module.C_UnwrapKey(session, keyWrap.mechanism, facts.handle, request.challenge, template),
      );
    } catch (error) {
      // Another key than the one that wrapped it: the check value of RFC 3394 does not come out.
      if (error instanceof CryptokiError && WRONG_KEY.has(error.value)) return false;
      throw error;
    }
    try {
      const made = await pool.use((session) => module.encrypt(session, { type: CKM.AES_ECB }, opened, PROBE_BLOCKS));
      const wanted = createCipheriv('aes-128-ecb', request.data, null).setAutoPadding(false).update(PROBE_BLOCKS);
      return wanted.equals(made);
    } finally {
      module.C_DestroyObject(token.lookups, opened);
    }
  });
}

const WRONG_KEY: ReadonlySet<number> = new Set([
  CKR.WRAPPED_KEY_INVALID,
  CKR.ENCRYPTED_DATA_INVALID,
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
]);

async function orNull<T>(work: () => Promise<T | null>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isProbeRefused(error)) return null;
    throw error;
  }
}
