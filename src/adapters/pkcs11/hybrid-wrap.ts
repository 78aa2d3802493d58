/**
 * C_WrapKey by a resolved mechanism. Where a device cannot do the RSA-AES hybrid in one call (CKM_RSA_AES_KEY_WRAP, pkcs11-curr v3.0
 * §2.1.21), it is composed of the device's own calls: an AES-256 key for this one use, made by the device and living in one session, is
 * wrapped under the RSA key, and the payload under it. No clear byte of either leaves the device, and the AES key is gone afterwards.
 */
import type { KeyAttributes } from '../../keys/attributes.ts';
import { boolAttribute, CKA_OF, CKO_OF, ulongAttribute } from './attribute-codec.ts';
import { isGone, isSessionGone } from './ckr-errors.ts';
import { CKA, CKK, CKM } from './constants.ts';
import { CryptokiError, type Handle, type Mechanism } from './cryptoki.ts';
import { differences, makeWith, type Template } from './template.ts';
import type { Token } from './token.ts';
import type { ResolvedWrap } from './wrap-probe.ts';

const ONE_USE_BYTES = 32;

/** It wraps, and can itself be wrapped; nothing else. Whoever could decrypt with it would read the payload. */
const ONE_USE: KeyAttributes = {
  private: true,
  sensitive: true,
  extractable: true,
  wrap: true,
  unwrap: false,
  encrypt: false,
  decrypt: false,
  sign: false,
  verify: false,
};

const ONE_USE_TEMPLATE: Template = {
  required: [
    ulongAttribute(CKA.CLASS, CKO_OF.secret),
    ulongAttribute(CKA.KEY_TYPE, CKK.AES),
    ulongAttribute(CKA.VALUE_LEN, ONE_USE_BYTES),
    boolAttribute(CKA.TOKEN, false),
    ...Object.entries(ONE_USE).map(([name, value]) => boolAttribute(CKA_OF[name as keyof typeof CKA_OF], value)),
  ],
  optional: [boolAttribute(CKA.DERIVE, false)],
};

export interface WrapHandles {
  readonly wrapping: Handle;
  readonly payload: Handle;
}

/** Throws CryptokiError, or KeyferryError when the device gives the one-use key more than it was asked for. */
export async function wrapBy(token: Token, wrap: ResolvedWrap, handles: WrapHandles): Promise<Uint8Array> {
  return await token.pool.use(async (session) =>
    wrap.keyWrap === undefined
      ? await token.module.C_WrapKey(session, wrap.mechanism, handles.wrapping, handles.payload)
      : await composed(token, session, { oaep: wrap.mechanism, keyWrap: wrap.keyWrap, ...handles }),
  );
}

interface Composition extends WrapHandles {
  readonly oaep: Mechanism;
  readonly keyWrap: Mechanism;
}

async function composed(token: Token, session: Handle, composition: Composition): Promise<Uint8Array> {
  const { oaep, keyWrap, wrapping, payload } = composition;
  const { module } = token;
  const oneUse = await makeOneUseKey(token, session);
  try {
    const [widened] = differences(token, oneUse, ONE_USE_TEMPLATE);
    if (widened !== undefined) {
      const what = 'the one-use key of the hybrid wrap is not what was asked for';
      throw token.fail('wrapping-key-widened', `${what}; nothing was wrapped. ${widened.message}`);
    }
    const head = await module.C_WrapKey(session, oaep, wrapping, oneUse);
    const tail = await module.C_WrapKey(session, keyWrap, oneUse, payload);
    return new Uint8Array(Buffer.concat([head, tail]));
  } finally {
    destroy(token, session, oneUse);
  }
}

async function makeOneUseKey(token: Token, session: Handle): Promise<Handle> {
  const type = CKM.AES_KEY_GEN;
  try {
    return await makeWith(token, [ONE_USE_TEMPLATE], ([attributes = []]) =>
      token.module.C_GenerateKey(session, { type }, attributes),
    );
  } catch (error) {
    // A device that made the key all the same did not say which it is; it dies with the session.
    if (error instanceof CryptokiError) end(token, session);
    throw error;
  }
}

/** A key that cannot be destroyed takes its session with it. */
function destroy(token: Token, session: Handle, oneUse: Handle): void {
  try {
    token.module.C_DestroyObject(session, oneUse);
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    if (!isGone(error)) end(token, session);
  }
}

function end(token: Token, session: Handle): void {
  token.pool.retire(session);
  try {
    token.module.C_CloseSession(session);
  } catch (error) {
    // A session that is not there has no objects.
    if (!isSessionGone(error)) throw error;
  }
}
