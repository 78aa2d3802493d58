/** wrap-key: encrypts a key under another one, inside the device. */
import { type AttributeName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { oaepCapacity } from '../../../keys/mechanisms.ts';
import type { WrappedKey } from '../../../keys/wrapped-key.ts';
import { required } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, mechanism, readKey, readKeyIfKnown, readText, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { wrapBy } from '../hybrid-wrap.ts';
import type { KeyFacts } from '../key-facts.ts';
import { inWords, locate, locateNow } from '../locate.ts';
import { payloadSize } from '../payload-size.ts';
import type { Token } from '../token.ts';
import type { Pkcs11Action } from './action.ts';
import { privateKeyNote, privateKeyRefusal, whyMissing, wrapRefusal, wrongLength } from './wrap-checks.ts';

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
  if (name !== undefined && wrap === undefined) return [{ level: 'block', reason: whyMissing(token, name) }];
  const ref = readKeyIfKnown(args, 'key');
  if (ref === null || wrap === undefined) return [];
  const payload = token.recentFacts(locateNow(token, ref) ?? (await locate(token, ref)), ref.locator.class);
  const wrappingRef = readKeyIfKnown(args, 'wrapping-key');
  const wrapping = wrappingRef === null ? null : await wrappingFacts(token, args);
  const found = wrapRefusal(token, wrap, payload, wrapping);
  const other = found ?? (await privateKeyRefusal(token, wrap, payload));
  if (other !== null) return [{ level: 'block', reason: other.reason }];
  const padding = await privateKeyNote(token, wrap, payload);
  if (padding !== null) return [{ level: 'note', reason: padding }];
  if (wrapping === null && wrap.kind === 'rsa-oaep') {
    const bytes = payloadSize(payload)?.usual ?? 0;
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
    if (wrap === undefined) throw token.fail('capability-missing', `${whyMissing(token, name)}.`);
    return await token.guard(
      'reading',
      () => `wrap the ${inWords(ref.locator)}`,
      async () => {
        const wrapping = await wrappingFacts(token, args);
        const payload = token.recentFacts(locateNow(token, ref) ?? (await locate(token, ref)), ref.locator.class);
        const found = wrapRefusal(token, wrap, payload, wrapping) ?? (await privateKeyRefusal(token, wrap, payload));
        if (found !== null) {
          throw token.fail(found.code, `the ${inWords(payload)} cannot be wrapped: ${found.reason}.`);
        }
        const bytes = await wrapBy(token, wrap, { wrapping: wrapping.handle, payload: payload.handle });
        const length = wrongLength(wrap, payload, wrapping, bytes);
        if (length !== null) {
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
