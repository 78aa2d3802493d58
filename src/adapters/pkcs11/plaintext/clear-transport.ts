/**
 * How a key in clear gets into a token, and out of it: never as CKA_VALUE, which devices refuse for secret keys, but under RSA-OAEP.
 * In: a session pair of the token's own, to whose public half this process encrypts; so the clear bytes leave it only encrypted.
 * Out: a pair made here for this one call, whose public half is shown to the token as a session key.
 */
import {
  constants,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { ClearKey } from '../../../keys/clear-key.ts';
import { unwrap } from '../actions/unwrap-key.ts';
import { boolAttribute, ulongAttribute } from '../attribute-codec.ts';
import { CKA, CKK, CKO, CKR } from '../constants.ts';
import { CryptokiError, type Handle } from '../cryptoki.ts';
import type { KeyFacts } from '../key-facts.ts';
import { spkiAt } from '../public-half.ts';
import type { Template } from '../template.ts';
import type { Token } from '../token.ts';
import type { ResolvedWrap } from '../wrap-probe.ts';

const BITS = 2048;

/** undefined: the token cannot be given, or cannot give, a key in clear. SHA-1 last; OAEP does not need its hash to resist collisions. */
export const transportIn = (token: Token): ResolvedWrap | undefined => oaepOf(token.unwrap);
export const transportOut = (token: Token): ResolvedWrap | undefined => oaepOf(token.wrap);

function oaepOf(known: ReadonlyMap<string, ResolvedWrap>): ResolvedWrap | undefined {
  const names = ['rsa-oaep-sha256', 'rsa-oaep-sha384', 'rsa-oaep-sha512', 'rsa-oaep-sha1'];
  return names.flatMap((name) => known.get(name) ?? [])[0];
}

interface SessionPair {
  readonly publicKey: KeyObject;
  readonly privateKey: Handle;
}

/** One pair serves all imports of a process: it lives in the token's memory and dies with its session. */
const PAIRS = new WeakMap<Token, Promise<SessionPair>>();

async function makePair(token: Token): Promise<SessionPair> {
  const type = token.profile.rsaKeyPairGen.find((number) => token.mechanisms.has(number));
  if (type === undefined) throw token.fail('capability-missing', 'it cannot generate RSA keys.');
  const { publicKey, privateKey } = await token.pool.use((session) =>
    token.module.C_GenerateKeyPair(
      session,
      { type },
      [
        boolAttribute(CKA.TOKEN, false),
        boolAttribute(CKA.WRAP, true),
        ulongAttribute(CKA.MODULUS_BITS, BITS),
        { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array([1, 0, 1]) },
      ],
      [
        boolAttribute(CKA.TOKEN, false),
        boolAttribute(CKA.PRIVATE, true),
        boolAttribute(CKA.SENSITIVE, true),
        boolAttribute(CKA.EXTRACTABLE, false),
        boolAttribute(CKA.DECRYPT, false),
        boolAttribute(CKA.SIGN, false),
        boolAttribute(CKA.UNWRAP, true),
      ],
    ),
  );
  const spki = Buffer.from(spkiAt(token, publicKey, 'public'));
  return { publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }), privateKey };
}

/** Before the call that changes: makes the pair, where there is none yet. Throws CryptokiError, or `capability-missing`. */
export async function readyPair(token: Token): Promise<void> {
  const made = PAIRS.get(token) ?? makePair(token);
  PAIRS.set(token, made);
  await made.catch((error) => {
    PAIRS.delete(token);
    throw error;
  });
}

/** Creates the key. Throws CryptokiError. */
export async function bringIn(token: Token, wrap: ResolvedWrap, key: ClearKey, asked: Template): Promise<Handle> {
  const attempt = async () => {
    await readyPair(token);
    const pair = await PAIRS.get(token);
    if (pair === undefined) throw new Error('the session pair is not there');
    const clear = key.reveal();
    const bytes = publicEncrypt({ key: pair.publicKey, ...padding(wrap) }, clear);
    const payload = { class: 'secret', type: key.type, bits: clear.length * 8 } as const;
    const wrapped = { kind: 'wrapped-key', mechanism: wrap.name, bytes, payload } as const;
    return await unwrap(token, wrap, wrapped, pair.privateKey, asked);
  };
  try {
    return await attempt();
  } catch (error) {
    // The pair died with its session: that refusal has made nothing.
    if (!(error instanceof CryptokiError) || error.value !== CKR.UNWRAPPING_KEY_HANDLE_INVALID) throw error;
    PAIRS.delete(token);
    return await attempt();
  }
}

/** The bytes of an extractable secret key; the caller wipes them. Throws CryptokiError. */
export async function takeOut(token: Token, wrap: ResolvedWrap, facts: KeyFacts): Promise<Uint8Array> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const wrapped = await token.pool.use(async (session) => {
    const shown = token.module.C_CreateObject(session, [
      ulongAttribute(CKA.CLASS, CKO.PUBLIC_KEY),
      ulongAttribute(CKA.KEY_TYPE, CKK.RSA),
      boolAttribute(CKA.TOKEN, false),
      boolAttribute(CKA.WRAP, true),
      { type: CKA.MODULUS, value: new Uint8Array(Buffer.from(jwk.n ?? '', 'base64url')) },
      { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array(Buffer.from(jwk.e ?? '', 'base64url')) },
    ]);
    try {
      return await token.module.C_WrapKey(session, wrap.mechanism, shown, facts.handle);
    } finally {
      token.module.C_DestroyObject(session, shown);
    }
  });
  try {
    return privateDecrypt({ key: pair.privateKey, ...padding(wrap) }, wrapped);
  } catch {
    throw token.fail('mechanism-invalid', `what it wrapped with ${wrap.name} cannot be opened with the private key.`);
  }
}

const padding = (wrap: ResolvedWrap) => ({
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: wrap.hash ?? 'sha1',
});
