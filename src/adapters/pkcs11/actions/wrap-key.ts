/**
 * wrap-key: encrypts a key under another one, inside the device. The permissions are checked here as well: modules exist that wrap a key
 * that is not extractable without complaint.
 */
import type { ErrorCode } from '../../../errors/codes.ts';
import { type AttributeName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { oaepCapacity } from '../../../keys/mechanisms.ts';
import type { WrappedKey } from '../../../keys/wrapped-key.ts';
import { required } from '../../../schema/shape.ts';
import type { Finding } from '../../adapter.ts';
import type { KeyFacts } from '../key-facts.ts';
import { whyNotExportable } from '../key-record.ts';
import { inWords, locate, locateNow } from '../locate.ts';
import type { Token } from '../token.ts';
import type { ResolvedWrap } from '../wrap-probe.ts';
import { type Arguments, done, type Pkcs11Action } from './action.ts';
import { key, mechanism, readKey, readKeyIfKnown, readText, readTextIfGiven, shape } from './arguments.ts';

interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

const missing = (token: Token, name: string): string =>
  token.wrap.size === 0
    ? `${token.name} cannot wrap keys with ${name}, nor with any mechanism that keyferry knows`
    : `${token.name} cannot wrap keys with ${name}, but with ${[...token.wrap.keys()].join(', ')}`;

/** Bytes of what is wrapped: the value of a secret key, PKCS#8 of a private one (about). 0: not known. */
function payloadBytes(payload: KeyFacts): number {
  if (payload.class === 'secret') return payload.bits / 8;
  return payload.type === 'rsa' ? Math.ceil((payload.bits / 8) * 4.5) : 0;
}

/** `wrapping` null: the wrapping key is yet to be made, by the same playbook. */
function refusal(token: Token, wrap: ResolvedWrap, payload: KeyFacts, wrapping: KeyFacts | null): Refusal | null {
  const isTrusted = wrapping?.attributes.trusted === true;
  if (payload.attributes.wrapWithTrusted === true) {
    if (!isTrusted) return { code: 'key-not-permitted', reason: 'it may be wrapped by a trusted wrapping key only' };
  } else {
    const reason = whyNotExportable(token, payload);
    if (reason !== null) return { code: 'key-not-extractable', reason };
  }
  const unfit = wrapping === null ? null : misfit(wrap, wrapping);
  if (unfit !== null) return unfit;
  const bytes = payloadBytes(payload);
  if (wrap.kind === 'rsa-oaep') {
    const capacity = oaepCapacity(wrapping?.bits ?? 8192, wrap.hash ?? 'sha1');
    if (bytes > capacity) {
      return {
        code: 'device-refused',
        reason: `its ${bytes} bytes do not fit: ${wrap.name} takes at most ${capacity}`,
      };
    }
  }
  if (wrap.kind === 'aes-kw' && bytes % 8 !== 0) {
    return { code: 'device-refused', reason: `its ${bytes} bytes are no multiple of 8, which ${wrap.name} needs` };
  }
  return null;
}

function misfit(wrap: ResolvedWrap, wrapping: KeyFacts): Refusal | null {
  const isFitting =
    wrap.kind === 'rsa-oaep'
      ? wrapping.class === 'public' && wrapping.type === 'rsa'
      : wrapping.class === 'secret' && wrapping.type === 'aes';
  if (!isFitting)
    return {
      code: 'argument-invalid',
      reason: `${wrap.name} cannot use the ${inWords(wrapping)} (${wrapping.type}) as wrapping key`,
    };
  if (wrapping.attributes.wrap !== true)
    return { code: 'key-not-permitted', reason: `the ${inWords(wrapping)} may not wrap (WRAP is false)` };
  return null;
}

/** Length that the mechanism must give, undefined where the payload's is not known. */
function wrappedLength(wrap: ResolvedWrap, payload: KeyFacts, wrapping: KeyFacts): number | undefined {
  if (wrap.kind === 'rsa-oaep') return Math.ceil(wrapping.bits / 8);
  if (payload.class !== 'secret' || payload.bits === 0) return undefined;
  const bytes = payload.bits / 8;
  if (wrap.kind === 'aes-kw') return bytes + 8;
  return wrap.kind === 'aes-kwp' ? Math.ceil(bytes / 8) * 8 + 8 : 8 * (Math.floor(bytes / 8) + 1) + 8;
}

function usageOf(payload: KeyFacts): { readonly [name in AttributeName]?: boolean } {
  const usage: { [name in AttributeName]?: boolean } = {};
  for (const name of USAGE_ATTRIBUTES) {
    const value = payload.attributes[name];
    if (value !== undefined) usage[name] = value;
  }
  return usage;
}

async function findings(token: Token, args: Arguments): Promise<readonly Finding[]> {
  const name = readTextIfGiven(args, 'mechanism');
  const wrap = name === undefined ? undefined : token.wrap.get(name);
  if (name !== undefined && wrap === undefined) return [{ level: 'block', reason: missing(token, name) }];
  const ref = readKeyIfKnown(args, 'key');
  if (ref === null || wrap === undefined) return [];
  const payload = token.recentFacts(locateNow(token, ref) ?? (await locate(token, ref)), ref.locator.class);
  const wrappingRef = readKeyIfKnown(args, 'wrapping-key');
  const wrapping = wrappingRef === null ? null : await wrappingFacts(token, args);
  const found = refusal(token, wrap, payload, wrapping);
  if (found !== null) return [{ level: 'block', reason: found.reason }];
  if (wrapping === null && wrap.kind === 'rsa-oaep') {
    const bytes = payloadBytes(payload);
    const capacity = oaepCapacity(2048, wrap.hash ?? 'sha1');
    if (bytes > capacity)
      return [{ level: 'note', reason: `its ${bytes} bytes need a longer wrapping key than RSA-2048` }];
  }
  return [];
}

async function wrappingFacts(token: Token, args: Arguments): Promise<KeyFacts> {
  const ref = readKey(args, 'wrapping-key');
  const handle = locateNow(token, ref) ?? (await locate(token, ref));
  const known = token.wrappingKeys.get(handle);
  if (known !== undefined) return known;
  const facts = token.facts(handle, ref.locator.class);
  token.wrappingKeys.set(handle, facts);
  return facts;
}

export const wrapKey: Pkcs11Action = {
  spec: {
    name: 'wrap-key',
    summary: 'Wrap a key under a wrapping key, inside the device',
    effect: 'read',
    input: shape({
      key: key('The key to wrap'),
      'wrapping-key': key('The key to wrap it under'),
      mechanism: required(mechanism),
    }),
    outputs: { data: { type: 'artifact', lifetime: 'run', description: 'The wrapped key' } },
    role: { kind: 'wrap', payload: 'key', wrappingKey: 'wrapping-key', wrapped: 'data' },
  },
  async preview(token, calls) {
    return await token.guard('reading', 'check whether keys can be wrapped', async () => {
      const all: (readonly Finding[])[] = [];
      for (const args of calls) all.push(await findings(token, args));
      return all;
    });
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    const name = readText(args, 'mechanism');
    const wrap = token.wrap.get(name);
    if (wrap === undefined) throw token.fail('capability-missing', `${missing(token, name)}.`);
    return await token.guard(
      'reading',
      () => `wrap the ${inWords(ref.locator)}`,
      async () => {
        const wrapping = await wrappingFacts(token, args);
        const payload = token.recentFacts(locateNow(token, ref) ?? (await locate(token, ref)), ref.locator.class);
        const found = refusal(token, wrap, payload, wrapping);
        if (found !== null) {
          throw token.fail(found.code, `the ${inWords(payload)} cannot be wrapped: ${found.reason}.`);
        }
        const bytes = await token.pool.use((session) =>
          token.module.C_WrapKey(session, wrap.mechanism, wrapping.handle, payload.handle),
        );
        const length = wrappedLength(wrap, payload, wrapping);
        if (length !== undefined && bytes.length !== length) {
          const gave = `${name} of the ${inWords(payload)} gave ${bytes.length} bytes where it must give ${length}`;
          throw token.fail('mechanism-invalid', `${gave}.`);
        }
        const data: WrappedKey = {
          kind: 'wrapped-key',
          mechanism: name,
          bytes,
          payload: { class: payload.class, type: payload.type, bits: payload.bits, usage: usageOf(payload) },
        };
        return done({ data });
      },
    );
  },
};
