/**
 * Session keys with a value that everybody knows: public constants and challenges, wrapped under a key to see what it makes of them.
 * Devices that take no secret key in clear get it wrapped: a throw-away key encrypts the blocks of RFC 3394, then unwraps the result.
 */
import { PROBE_SESSION_KEY } from '../../keys/fingerprint.ts';
import { boolAttribute, ulongAttribute } from './attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from './constants.ts';
import { type Attribute, CryptokiError, type Handle } from './cryptoki.ts';
import { wrapBlocks } from './key-wrap-format.ts';
import type { Token } from './token.ts';

/** How this device can be given such a key. */
export type SessionKeyWay = 'create' | 'unwrap';

const AES_SESSION_KEY: readonly Attribute[] = [
  ulongAttribute(CKA.CLASS, CKO.SECRET_KEY),
  ulongAttribute(CKA.KEY_TYPE, CKK.AES),
  boolAttribute(CKA.TOKEN, false),
];

/** null: the device refuses both ways. */
export async function findSessionKeyWay(token: Token): Promise<SessionKeyWay | null> {
  for (const way of ['create', 'unwrap'] as const) {
    if (way === 'unwrap' && !(token.unwrap.has('aes-kw') && token.mechanisms.has(CKM.AES_ECB))) continue;
    try {
      const handle = await make(token, way, PROBE_SESSION_KEY);
      token.module.C_DestroyObject(token.lookups, handle);
      return way;
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
    }
  }
  return null;
}

/** The caller destroys it; otherwise it dies with the session. Throws CryptokiError. `value`: 16 bytes. */
export async function createSessionKey(token: Token, value: Uint8Array): Promise<Handle> {
  return await make(token, token.sessionKeyWay ?? 'create', value);
}

async function make(token: Token, way: SessionKeyWay, value: Uint8Array): Promise<Handle> {
  const { module, lookups } = token;
  if (way === 'create') {
    return module.C_CreateObject(lookups, [
      ...AES_SESSION_KEY,
      boolAttribute(CKA.SENSITIVE, false),
      boolAttribute(CKA.EXTRACTABLE, true),
      boolAttribute(CKA.ENCRYPT, true),
      { type: CKA.VALUE, value },
    ]);
  }
  return await token.pool.use(async (session) => {
    const kek = await module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, [
      ...AES_SESSION_KEY,
      ulongAttribute(CKA.VALUE_LEN, 16),
      boolAttribute(CKA.ENCRYPT, true),
      boolAttribute(CKA.UNWRAP, true),
    ]);
    try {
      const wrapped = await wrapBlocks(value, (block) => module.encrypt(session, { type: CKM.AES_ECB }, kek, block));
      const mechanism = token.unwrap.get('aes-kw')?.mechanism ?? { type: CKM.AES_KEY_WRAP };
      return await module.C_UnwrapKey(session, mechanism, kek, wrapped, [
        ...AES_SESSION_KEY,
        boolAttribute(CKA.EXTRACTABLE, true),
        boolAttribute(CKA.ENCRYPT, true),
      ]);
    } finally {
      module.C_DestroyObject(session, kek);
    }
  });
}
