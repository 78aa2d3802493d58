/**
 * What the module's wrapping mechanisms really are. A mechanism number says neither which hash nor which padding: the same number is
 * RFC 5649 in one module and PKCS#5 padding in the next. So at open a throw-away session key is wrapped under throw-away session keys and
 * the result is opened here; a mechanism that turns out to be something else is not offered. Where the device does not allow such session
 * keys, what it lists is believed and marked unproven, but for numbers that are known to be ambiguous. The RSA-AES hybrid is composed of
 * two other mechanisms where it is not there, or not proven, in one call.
 */
import { createCipheriv } from 'node:crypto';
import { PROBE_BLOCKS } from '../../keys/fingerprint.ts';
import { WRAP_MECHANISMS, type WrapMechanism, type WrapMechanismName } from '../../keys/mechanisms.ts';
import { boolAttribute, ulongAttribute } from './attribute-codec.ts';
import { CKA, CKF_MECHANISM, CKK, CKM, CKO } from './constants.ts';
import type { Attribute, Handle, Mechanism } from './cryptoki.ts';
import { type KeyWrapFormat, keyWrapFormat } from './key-wrap-format.ts';
import { attempt, discard, importProbeKey, openProbe, type RsaFormat } from './probe-key.ts';
import type { WrapRule } from './profile.ts';
import type { Token } from './token.ts';

export interface ResolvedWrap {
  readonly name: string;
  readonly kind: WrapMechanism['kind'];
  readonly hash?: WrapMechanism['hash'];
  /** Of the one call that does it all; where `keyWrap` is there, of the first: RSA-OAEP of a one-use AES key. */
  readonly mechanism: Mechanism;
  /** Of the second call: RFC 5649 of the payload under the one-use key. */
  readonly keyWrap?: Mechanism;
  readonly valueLenOnUnwrap: boolean;
  /** The probe opened what the device made. */
  readonly isProven: boolean;
}

const AMBIGUOUS: ReadonlySet<number> = new Set([CKM.AES_KEY_WRAP_PAD]);

type Verdict = 'proven' | 'other' | 'unknown';

/** Fills `token.wrap` and `token.unwrap`. Leaves no object behind. */
export async function resolveWrapMechanisms(token: Token): Promise<void> {
  const probe = new WrapProbe(token);
  const wrap = new Map<string, ResolvedWrap>();
  const unwrap = new Map<string, ResolvedWrap>();
  try {
    for (const mechanism of Object.values(WRAP_MECHANISMS)) {
      const rule = token.profile.wrap[mechanism.name as WrapMechanismName];
      if (rule === undefined) continue;
      const found = await probe.resolve(mechanism, rule);
      if (found === null) continue;
      const flags = token.module.C_GetMechanismInfo(token.info.slot, found.mechanism.type).flags;
      // Modules exist that set neither flag for a mechanism they can do; the probe has shown that they can.
      const saysNothing = (flags & (CKF_MECHANISM.WRAP | CKF_MECHANISM.UNWRAP)) === 0 && found.isProven;
      if (saysNothing || (flags & CKF_MECHANISM.WRAP) !== 0) wrap.set(mechanism.name, found);
      if (saysNothing || (flags & CKF_MECHANISM.UNWRAP) !== 0) unwrap.set(mechanism.name, found);
    }
    for (const mechanism of Object.values<WrapMechanism>(WRAP_MECHANISMS)) {
      const found = wrap.has(mechanism.name) ? null : composedOf(token, mechanism, wrap);
      if (found !== null) wrap.set(mechanism.name, found);
    }
  } finally {
    probe.cleanUp();
  }
  token.wrap = wrap;
  token.unwrap = unwrap;
}

/** The hybrid out of what the device does already; null: it lacks a part, or it is no hybrid. */
function composedOf(
  token: Token,
  { name, kind, hash }: WrapMechanism,
  wrap: ReadonlyMap<string, ResolvedWrap>,
): ResolvedWrap | null {
  if (kind !== 'rsa-aes-kwp' || hash === undefined) return null;
  const head = wrap.get(`rsa-oaep-${hash}`);
  const tail = wrap.get('aes-kwp');
  if (head === undefined || tail === undefined || !token.mechanisms.has(CKM.AES_KEY_GEN)) return null;
  return {
    name,
    kind,
    hash,
    mechanism: head.mechanism,
    keyWrap: tail.mechanism,
    valueLenOnUnwrap: false,
    isProven: head.isProven && tail.isProven,
  };
}

class WrapProbe {
  readonly #token: Token;
  readonly #made: Handle[] = [];
  readonly #formats = new Map<number, KeyWrapFormat | 'none' | 'unknown'>();
  #payload: Promise<{ readonly handle: Handle; readonly ciphertext: Uint8Array } | null> | undefined;
  #kek: Promise<Handle | null> | undefined;
  #publicKey: Promise<Handle | null> | undefined;

  constructor(token: Token) {
    this.#token = token;
  }

  async resolve(descriptor: WrapMechanism, rule: WrapRule): Promise<ResolvedWrap | null> {
    for (const number of rule.numbers) {
      if (!this.#token.mechanisms.has(number)) continue;
      const mechanism: Mechanism =
        rule.oaep === undefined ? { type: number } : { type: number, parameter: { kind: 'oaep', ...rule.oaep } };
      const verdict = this.#token.isProbing ? await this.#judge(descriptor, mechanism) : 'unknown';
      const needsProof = AMBIGUOUS.has(number) || descriptor.kind === 'rsa-aes-kwp';
      if (verdict === 'other' || (verdict === 'unknown' && needsProof)) continue;
      return {
        name: descriptor.name,
        kind: descriptor.kind,
        ...(descriptor.hash === undefined ? {} : { hash: descriptor.hash }),
        mechanism,
        valueLenOnUnwrap: rule.valueLenOnUnwrap,
        isProven: verdict === 'proven',
      };
    }
    return null;
  }

  async #judge(descriptor: WrapMechanism, mechanism: Mechanism): Promise<Verdict> {
    const { kind, hash } = descriptor;
    if (hash !== undefined) return await this.#judgeRsa(mechanism, { kind, hash });
    const known = this.#formats.get(mechanism.type) ?? (await this.#format(mechanism));
    this.#formats.set(mechanism.type, known);
    if (known === 'unknown') return 'unknown';
    return known === descriptor.kind ? 'proven' : 'other';
  }

  async #judgeRsa(mechanism: Mechanism, format: RsaFormat): Promise<Verdict> {
    this.#publicKey ??= attempt(() => importProbeKey(this.#token, this.#token.lookups));
    const publicKey = await this.#publicKey;
    const payload = await this.#payloadKey();
    if (publicKey === null || payload === null) return 'unknown';
    if (!this.#made.includes(publicKey)) this.#made.push(publicKey);
    const wrapped = await attempt(() =>
      this.#token.module.C_WrapKey(this.#token.lookups, mechanism, publicKey, payload.handle),
    );
    if (wrapped === null) return 'other';
    const opened = await openProbe(wrapped, format);
    return opened !== null && isKeyOf(opened, payload.ciphertext) ? 'proven' : 'other';
  }

  async #format(mechanism: Mechanism): Promise<KeyWrapFormat | 'none' | 'unknown'> {
    this.#kek ??= this.#generate([
      boolAttribute(CKA.WRAP, true),
      boolAttribute(CKA.DECRYPT, true),
      boolAttribute(CKA.EXTRACTABLE, false),
    ]);
    const kek = await this.#kek;
    const payload = await this.#payloadKey();
    if (kek === null || payload === null) return 'unknown';
    const { module, lookups } = this.#token;
    const wrapped = await attempt(() => module.C_WrapKey(lookups, mechanism, kek, payload.handle));
    if (wrapped === null) return 'none';
    const decryptBlock = (block: Uint8Array) => module.decrypt(lookups, { type: CKM.AES_ECB }, kek, block);
    const read = await attempt(() => keyWrapFormat(wrapped, 16, decryptBlock));
    if (read === null) return 'unknown';
    return read.format !== null && isKeyOf(read.key, payload.ciphertext) ? read.format : 'none';
  }

  #payloadKey(): Promise<{ readonly handle: Handle; readonly ciphertext: Uint8Array } | null> {
    this.#payload ??= (async () => {
      const handle = await this.#generate([boolAttribute(CKA.ENCRYPT, true), boolAttribute(CKA.EXTRACTABLE, true)]);
      if (handle === null) return null;
      const { module, lookups } = this.#token;
      const ciphertext = await attempt(() => module.encrypt(lookups, { type: CKM.AES_ECB }, handle, PROBE_BLOCKS));
      return ciphertext === null ? null : { handle, ciphertext };
    })();
    return this.#payload;
  }

  async #generate(usage: readonly Attribute[]): Promise<Handle | null> {
    const { module, lookups, mechanisms } = this.#token;
    if (!mechanisms.has(CKM.AES_KEY_GEN) || !mechanisms.has(CKM.AES_ECB)) return null;
    const template = [
      ulongAttribute(CKA.CLASS, CKO.SECRET_KEY),
      ulongAttribute(CKA.KEY_TYPE, CKK.AES),
      ulongAttribute(CKA.VALUE_LEN, 16),
      boolAttribute(CKA.TOKEN, false),
      boolAttribute(CKA.PRIVATE, true),
      boolAttribute(CKA.SENSITIVE, true),
      ...usage,
    ];
    const handle = await attempt(() => module.C_GenerateKey(lookups, { type: CKM.AES_KEY_GEN }, template));
    if (handle !== null) this.#made.push(handle);
    return handle;
  }

  cleanUp(): void {
    for (const handle of this.#made) discard(this.#token, this.#token.lookups, handle);
  }
}

/** Whether `key` is the AES-128 key that made `ciphertext` of the probe blocks. Wipes `key`. */
function isKeyOf(key: Uint8Array, ciphertext: Uint8Array): boolean {
  if (key.length !== 16) return false;
  const made = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(PROBE_BLOCKS);
  key.fill(0);
  return made.equals(ciphertext);
}
