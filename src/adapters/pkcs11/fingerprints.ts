/**
 * Fingerprints and check values of keys on a token (keys/fingerprint.ts has the definition). Each is one use of the key. Of the encrypted
 * zero block three bytes leave this file; the rest is wiped, for E(0) is GCM's hash key.
 */
import {
  FINGERPRINT_METHODS,
  type Fingerprint,
  type FingerprintMethod,
  fingerprintOf,
  PROBE_BLOCKS,
  PROBE_MESSAGE,
  PROBE_SESSION_KEY,
} from '../../keys/fingerprint.ts';
import { isTemplateRefusal, isUnable } from './ckr-errors.ts';
import { CKM } from './constants.ts';
import type { KeyFacts } from './key-facts.ts';
import { findSpki } from './public-half.ts';
import { createSessionKey } from './session-keys.ts';
import type { Token } from './token.ts';

const ECB: Readonly<Record<string, number>> = { aes: CKM.AES_ECB, des3: CKM.DES3_ECB };
const MAC: Readonly<Record<string, number>> = {
  aes: CKM.AES_CMAC,
  des3: CKM.DES3_CMAC,
  'generic-secret': CKM.SHA256_HMAC,
};

/** Methods that use the key; a public key is only looked at. */
type KeyUse = Exclude<FingerprintMethod, 'public-key'>;

/** Methods that the token has the mechanisms for. */
export function fingerprintMethods(token: Token): FingerprintMethod[] {
  const hasAny = (numbers: Readonly<Record<string, number>>): boolean =>
    Object.values(numbers).some((number) => token.mechanisms.has(number));
  const isThere: Readonly<Record<FingerprintMethod, boolean>> = {
    'encrypt-ecb': hasAny(ECB),
    'decrypt-ecb': hasAny(ECB),
    mac: hasAny(MAC),
    'wrap-kw': token.sessionKeyWay !== null && token.wrap.has('aes-kw'),
    'public-key': true,
  };
  return FINGERPRINT_METHODS.filter((method) => isThere[method]);
}

/** The number of the mechanism with which this key can do this method; undefined: it cannot. */
function mechanismFor(token: Token, facts: KeyFacts, method: KeyUse): number | undefined {
  const listed = (number: number | undefined): number | undefined =>
    number !== undefined && token.mechanisms.has(number) ? number : undefined;
  if (facts.class !== 'secret') return undefined;
  switch (method) {
    case 'encrypt-ecb':
      return facts.attributes.encrypt === true ? listed(ECB[facts.type]) : undefined;
    case 'decrypt-ecb':
      return facts.attributes.decrypt === true ? listed(ECB[facts.type]) : undefined;
    case 'mac':
      return facts.attributes.sign === true ? listed(MAC[facts.type]) : undefined;
    case 'wrap-kw':
      return facts.attributes.wrap === true && facts.type === 'aes' && token.sessionKeyWay !== null
        ? token.wrap.get('aes-kw')?.mechanism.type
        : undefined;
  }
}

/** The first method that the key can do; null when there is none. */
export async function fingerprintKey(
  token: Token,
  facts: KeyFacts,
  salt: Uint8Array,
  methods: readonly FingerprintMethod[],
): Promise<Fingerprint | null> {
  for (const method of methods) {
    if (method === 'public-key') {
      const found = findSpki(token, facts);
      if ('spki' in found) return fingerprintOf(method, salt, found.spki);
      continue;
    }
    const number = mechanismFor(token, facts, method);
    if (number === undefined) continue;
    try {
      return fingerprintOf(method, salt, await made(token, facts, method, number));
    } catch (error) {
      if (!isProbeRefused(error)) throw error;
    }
  }
  return null;
}

async function made(token: Token, facts: KeyFacts, method: KeyUse, type: number): Promise<Uint8Array> {
  const { module, pool } = token;
  switch (method) {
    case 'encrypt-ecb':
      return await pool.use((session) => module.encrypt(session, { type }, facts.handle, PROBE_BLOCKS));
    case 'decrypt-ecb':
      return await pool.use((session) => module.decrypt(session, { type }, facts.handle, PROBE_BLOCKS));
    case 'mac':
      return await pool.use((session) => module.sign(session, { type }, facts.handle, PROBE_MESSAGE));
    case 'wrap-kw': {
      const probe = await createSessionKey(token, PROBE_SESSION_KEY);
      try {
        return await pool.use((session) => module.C_WrapKey(session, { type }, facts.handle, probe));
      } finally {
        module.C_DestroyObject(token.lookups, probe);
      }
    }
  }
}

/** Six hex digits: E(0) where the key may encrypt, else what the device says, else null. */
export async function checkValue(token: Token, facts: KeyFacts): Promise<string | null> {
  const type = mechanismFor(token, facts, 'encrypt-ecb');
  if (type === undefined) return token.shownCheckValue(facts);
  const zero = new Uint8Array(facts.type === 'des3' ? 8 : 16);
  try {
    const block = await token.pool.use((session) => token.module.encrypt(session, { type }, facts.handle, zero));
    const value = Buffer.from(block.subarray(0, 3)).toString('hex');
    block.fill(0);
    return value;
  } catch (error) {
    if (isUnable(error)) return token.shownCheckValue(facts);
    throw error;
  }
}

/** A device may refuse the probe session key by policy: then the key has no such fingerprint. */
export const isProbeRefused = (error: unknown): boolean => isUnable(error) || isTemplateRefusal(error);
