/**
 * Does the device wrap private keys by this mechanism, and as PKCS#8? The standard allows RSA-OAEP for secret keys only, some devices do it
 * all the same, and a list of mechanisms does not say. So before the first private key an EC pair that lives in a session is wrapped under a
 * key of this process, and opened here. Asked once per token and mechanism.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { parametersOf } from '../../keys/curve.ts';
import { boolAttribute } from './attribute-codec.ts';
import { isUnable } from './ckr-errors.ts';
import { CKA, CKM } from './constants.ts';
import { CryptokiError, type Handle } from './cryptoki.ts';
import { wrapBy } from './hybrid-wrap.ts';
import { attempt, discard, importProbeKey, openProbe } from './probe-key.ts';
import { spkiAt } from './public-half.ts';
import type { Token } from './token.ts';
import type { ResolvedWrap } from './wrap-probe.ts';

/**
 * `padded`: PKCS#8 with zero bytes after it, up to a multiple of 8 (SoftHSM 2.6.1): strict readers of DER refuse it · `unknown`: the device
 * does not allow such throw-away keys, or failed for another reason than that it does not do this.
 */
export type PrivateKeyVerdict = 'wraps' | 'padded' | 'refuses' | 'other-format' | 'unknown';

const VERDICTS = new WeakMap<Token, Map<string, Promise<PrivateKeyVerdict>>>();

/** Rejects with KeyferryError when the device gives a one-use key more than it was asked for. */
export function privateKeyVerdict(token: Token, wrap: ResolvedWrap): Promise<PrivateKeyVerdict> {
  const verdicts = VERDICTS.get(token) ?? new Map<string, Promise<PrivateKeyVerdict>>();
  VERDICTS.set(token, verdicts);
  const known = verdicts.get(wrap.name) ?? probe(token, wrap);
  verdicts.set(wrap.name, known);
  known.catch(() => verdicts.delete(wrap.name));
  return known;
}

async function probe(token: Token, wrap: ResolvedWrap): Promise<PrivateKeyVerdict> {
  const { kind, hash } = wrap;
  if (hash === undefined || !token.isProbing || !token.mechanisms.has(CKM.EC_KEY_PAIR_GEN)) return 'unknown';
  const made: Handle[] = [];
  try {
    const pair = await attempt(() => makePair(token));
    if (pair === null) return 'unknown';
    made.push(pair.publicKey, pair.privateKey);
    const wrapping = await attempt(() => importProbeKey(token, token.lookups));
    if (wrapping === null) return 'unknown';
    made.push(wrapping);
    const spki = spkiAt(token, pair.publicKey, 'public');
    const wrapped = await wrapBy(token, wrap, { wrapping, payload: pair.privateKey });
    const opened = await openProbe(wrapped, { kind, hash });
    return opened === null ? 'other-format' : formOf(opened, spki);
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    if (isUnable(error)) return 'refuses';
    // It may do so another time: the next key asks again.
    VERDICTS.get(token)?.delete(wrap.name);
    return 'unknown';
  } finally {
    for (const handle of made) discard(token, token.lookups, handle);
  }
}

async function makePair(token: Token): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }> {
  return await token.pool.use((session) =>
    token.module.C_GenerateKeyPair(
      session,
      { type: CKM.EC_KEY_PAIR_GEN },
      [boolAttribute(CKA.TOKEN, false), { type: CKA.EC_PARAMS, value: parametersOf('P-256') }],
      [
        boolAttribute(CKA.TOKEN, false),
        boolAttribute(CKA.PRIVATE, true),
        boolAttribute(CKA.SENSITIVE, true),
        boolAttribute(CKA.EXTRACTABLE, true),
      ],
    ),
  );
}

/** Wipes the bytes. */
function formOf(opened: Uint8Array, spki: Uint8Array): PrivateKeyVerdict {
  try {
    const key = createPrivateKey({ key: Buffer.from(opened), format: 'der', type: 'pkcs8' });
    if (!createPublicKey(key).export({ type: 'spki', format: 'der' }).equals(spki)) return 'other-format';
    return opened.length > derLength(opened) ? 'padded' : 'wraps';
  } catch {
    return 'other-format';
  } finally {
    opened.fill(0);
  }
}

/** Of a structure that OpenSSL could read: tag, length, contents. */
function derLength(der: Uint8Array): number {
  const first = der[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const digits = der.subarray(2, 2 + (first & 0x7f));
  return 2 + digits.length + digits.reduce((length, byte) => length * 256 + byte, 0);
}
