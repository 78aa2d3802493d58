/**
 * Fingerprints, check values and cross challenges of keys on the device (keys/fingerprint.ts has the definition). Each is one use of the key
 * and may be one entry in the device's log. Of the encrypted zero block three bytes leave this file: E(0) is GCM's hash key.
 */
import type { ErrorCode } from '../../../errors/codes.ts';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import {
  type Fingerprint,
  type FingerprintMethod,
  fingerprintOf,
  PROBE_BLOCKS,
  PROBE_MESSAGE,
} from '../../../keys/fingerprint.ts';
import { decryptEcb, encryptEcb } from '../commands/block-cipher.ts';
import { signHmac } from '../commands/sign-hmac.ts';
import { ALGORITHM } from '../wire/algorithms.ts';
import { type CapabilityName, hasCapability } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { isNamed, type YubiHsm } from '../yubihsm.ts';
import { type Found, objectInWords } from './key-model.ts';
import { hasPublicHalf, spkiOf } from './public-half.ts';

/** Methods that this device has for some key. */
export function fingerprintMethods(hsm: YubiHsm): FingerprintMethod[] {
  const may = (name: CapabilityName): boolean => hasCapability(hsm.authority.capabilities, name);
  const hasEcb = hsm.hasAlgorithm(ALGORITHM['aes-ecb']);
  return [
    ...(hasEcb && may('encrypt-ecb') ? ['encrypt-ecb' as const] : []),
    ...(hasEcb && may('decrypt-ecb') ? ['decrypt-ecb' as const] : []),
    ...(may('sign-hmac') ? ['mac' as const] : []),
    'public-key',
  ];
}

function mayUse(hsm: YubiHsm, { info }: Found, type: number, capability: CapabilityName): boolean {
  return (
    info.type === type &&
    hasCapability(info.capabilities, capability) &&
    hasCapability(hsm.authority.capabilities, capability)
  );
}

const SYMMETRIC = OBJECT_TYPE['symmetric-key'];

/** null: the key, or this session, cannot do it. */
async function made(hsm: YubiHsm, found: Found, method: FingerprintMethod): Promise<Uint8Array | null> {
  const { info } = found;
  const what = `fingerprint the ${objectInWords(info)}`;
  switch (method) {
    case 'encrypt-ecb':
      if (!mayUse(hsm, found, SYMMETRIC, 'encrypt-ecb')) return null;
      return await hsm.call(encryptEcb, { id: info.id, data: PROBE_BLOCKS }, what);
    case 'decrypt-ecb':
      if (!mayUse(hsm, found, SYMMETRIC, 'decrypt-ecb')) return null;
      return await hsm.call(decryptEcb, { id: info.id, data: PROBE_BLOCKS }, what);
    case 'mac':
      // Other devices compare HMAC-SHA-256 too; a key of another hash would give what nobody can compare.
      if (info.algorithm !== ALGORITHM['hmac-sha256']) return null;
      if (!mayUse(hsm, found, OBJECT_TYPE['hmac-key'], 'sign-hmac')) return null;
      return await hsm.call(signHmac, { id: info.id, data: PROBE_MESSAGE }, what);
    case 'public-key':
      return hasPublicHalf(found) ? await spkiOf(hsm, found) : null;
    case 'wrap-kw':
      return null;
  }
}

/** The first method that the key can do; null when there is none. */
export async function fingerprintKey(
  hsm: YubiHsm,
  found: Found,
  salt: Uint8Array,
  methods: readonly FingerprintMethod[],
): Promise<Fingerprint | null> {
  for (const method of methods) {
    const bytes = await orNull(() => made(hsm, found, method));
    if (bytes !== null) return fingerprintOf(method, salt, bytes);
  }
  return null;
}

/** Six hex digits; null where the key may not encrypt single blocks. */
export async function checkValue(hsm: YubiHsm, found: Found): Promise<string | null> {
  if (!mayUse(hsm, found, SYMMETRIC, 'encrypt-ecb')) return null;
  const what = `make the check value of the ${objectInWords(found.info)}`;
  const block = await orNull(() => hsm.call(encryptEcb, { id: found.info.id, data: new Uint8Array(16) }, what));
  if (block === null) return null;
  const value = Buffer.from(block.subarray(0, 3)).toString('hex');
  block.fill(0);
  return value;
}

/** null: this key cannot do that. */
export async function makeChallenge(hsm: YubiHsm, found: Found, data: Uint8Array): Promise<Uint8Array | null> {
  if (!mayUse(hsm, found, SYMMETRIC, 'encrypt-ecb')) return null;
  const what = `challenge with the ${objectInWords(found.info)}`;
  return await orNull(() => hsm.call(encryptEcb, { id: found.info.id, data }, what));
}

/** null: this key cannot do that. */
export async function answerChallenge(
  hsm: YubiHsm,
  found: Found,
  request: { readonly challenge: Uint8Array; readonly data: Uint8Array },
): Promise<boolean | null> {
  if (!mayUse(hsm, found, SYMMETRIC, 'decrypt-ecb')) return null;
  const what = `answer with the ${objectInWords(found.info)}`;
  const opened = await orNull(() => hsm.call(decryptEcb, { id: found.info.id, data: request.challenge }, what));
  return opened === null ? null : Buffer.compare(opened, request.data) === 0;
}

const UNABLE: readonly ErrorCode[] = ['capability-missing'];

/** The device switched the algorithm off, or the object's rights are less than they seem: then it has no such fingerprint. */
async function orNull<T>(work: () => Promise<T | null>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isNamed(error, 'insufficient-permissions', 'algorithm-disabled', 'invalid-command')) return null;
    if (error instanceof KeyferryError && error.native === undefined && UNABLE.includes(error.code)) return null;
    throw error;
  }
}
