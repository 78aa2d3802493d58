/**
 * unwrap-key: makes a key from a wrapped one, inside the device. It arrives with the name and usage of the key it is like, sensitive and
 * not extractable; everything that was asked for is read back.
 */
import type { KeyAttributes } from '../../../keys/attributes.ts';
import { labelHex } from '../../../keys/locator.ts';
import { isWrappedKey, type WrappedKey } from '../../../keys/wrapped-key.ts';
import { optional } from '../../../schema/shape.ts';
import { type Arguments, done, markerOf } from '../../actions/action.ts';
import {
  artifact,
  attributes,
  id,
  key,
  mechanism,
  readAttributes,
  readBooleanIfGiven,
  readIdIfGiven,
  readKey,
  readKeyIfKnown,
  readTextIfGiven,
  shape,
} from '../../actions/arguments.ts';
import type { ActionCall, Finding } from '../../adapter.ts';
import { ulongAttribute } from '../attribute-codec.ts';
import { isTemplateRefusal } from '../ckr-errors.ts';
import { CKA } from '../constants.ts';
import { forecast, reconcileCreation, type Wanted } from '../creation.ts';
import type { Handle } from '../cryptoki.ts';
import { duplicatesOn } from '../duplicates.ts';
import { inWords, locate, locateNow } from '../locate.ts';
import type { ObjectName } from '../object-index.ts';
import { sameLabelNotes } from '../same-label.ts';
import { differences, makeWith, type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import type { ResolvedWrap } from '../wrap-probe.ts';
import type { Pkcs11Action } from './action.ts';

/** What the arrived key is to be called. */
function arriving(args: Arguments, call: Pick<ActionCall, 'expectation'> = {}): ObjectName {
  const { locator } = readKey(args, 'like');
  const label = readTextIfGiven(args, 'label');
  return {
    class: locator.class,
    type: locator.type,
    id: readIdIfGiven(args) ?? markerOf(call.expectation) ?? locator.id,
    label: label === undefined ? locator.label : labelHex(label),
  };
}

const hasNewId = (args: Arguments): boolean =>
  readIdIfGiven(args) === undefined && readBooleanIfGiven(args, 'new-id') === true;

function wanted(args: Arguments): Wanted {
  const name = arriving(args);
  return { classes: [name.class], type: name.type, id: hasNewId(args) ? undefined : name.id, label: name.label };
}

/** After a crash the wrapped key may not be at hand: then the usage that it carries is not known and not compared. */
const readWrapped = (args: Arguments): WrappedKey | null =>
  isWrappedKey(args['wrapped-key']) ? args['wrapped-key'] : null;

/** Usage only where somebody knows it: of a key from a file, the device's own default stays. */
function askedOf(args: Arguments): KeyAttributes {
  const usage = readWrapped(args)?.payload?.usage;
  return { ...usage, private: true, sensitive: true, extractable: false, ...readAttributes(args) };
}

const template = (token: Token, call: ActionCall): Template =>
  templateOf(token, { ...arriving(call.args, call), attributes: askedOf(call.args) });

function resolved(token: Token, args: Arguments, wrapped: WrappedKey): ResolvedWrap {
  const name = readTextIfGiven(args, 'mechanism') ?? wrapped.mechanism;
  if (name !== wrapped.mechanism) {
    throw token.fail('argument-invalid', `the key was wrapped with ${wrapped.mechanism}, not with ${name}.`);
  }
  const wrap = token.unwrap.get(name);
  if (wrap === undefined) throw token.fail('capability-missing', `${missing(token, name)}.`);
  const { payload } = wrapped;
  const like = readKey(args, 'like').locator;
  if (payload !== null && (payload.class !== like.class || payload.type !== like.type)) {
    throw token.fail(
      'argument-invalid',
      `a wrapped ${payload.type} key cannot become a key like the ${inWords(like)}.`,
    );
  }
  return wrap;
}

const missing = (token: Token, name: string): string =>
  token.unwrap.size === 0
    ? `${token.name} cannot unwrap keys with ${name}, nor with any mechanism that keyferry knows`
    : `${token.name} cannot unwrap keys with ${name}, but with ${[...token.unwrap.keys()].join(', ')}`;

/**
 * Some modules need CKA_VALUE_LEN in the template and some refuse it. A refused template has made nothing, so the other form may be
 * tried; what worked is remembered.
 */
export async function unwrap(
  token: Token,
  wrap: ResolvedWrap,
  wrapped: WrappedKey,
  unwrapping: Handle,
  asked: Template,
): Promise<Handle> {
  const bytes = (wrapped.payload?.bits ?? 0) / 8;
  const attempt = (hasLength: boolean) =>
    makeWith(
      token,
      [hasLength ? { ...asked, required: [...asked.required, ulongAttribute(CKA.VALUE_LEN, bytes)] } : asked],
      ([attributes = []]) =>
        token.pool.use((session) =>
          token.module.C_UnwrapKey(session, wrap.mechanism, unwrapping, wrapped.bytes, attributes),
        ),
    );
  const canTell = wrapped.payload?.class === 'secret' && bytes > 0 && wrapped.payload.type !== 'des3';
  const isUsual = canTell && (token.valueLenLearnt.get(wrap.name) ?? wrap.valueLenOnUnwrap);
  try {
    return await attempt(isUsual);
  } catch (error) {
    if (!canTell || !isTemplateRefusal(error)) throw error;
    const handle = await attempt(!isUsual).catch(() => {
      throw error;
    });
    token.valueLenLearnt.set(wrap.name, !isUsual);
    return handle;
  }
}

function blocks(token: Token, args: Arguments): Finding[] {
  const name = readTextIfGiven(args, 'mechanism') ?? readWrapped(args)?.mechanism;
  if (name !== undefined && !token.unwrap.has(name)) return [{ level: 'block', reason: missing(token, name) }];
  if (readKeyIfKnown(args, 'like') === null) return [];
  if (arriving(args).type === 'other') return [{ level: 'block', reason: 'of a type that keyferry does not know' }];
  return [];
}

export const unwrapKey: Pkcs11Action = {
  spec: {
    name: 'unwrap-key',
    summary: 'Create a key from a wrapped key, inside the device',
    effect: 'create',
    input: shape({
      'wrapped-key': artifact('The wrapped key; it says how it was wrapped'),
      'unwrapping-key': key('The key to unwrap it with'),
      like: key('Label, id, type and usage are taken from this key'),
      mechanism: optional(mechanism),
      attributes,
      label: optional({ kind: 'string', description: 'Another label than that of the key it is like' }),
      id,
      'new-id': optional({ kind: 'boolean', description: 'A new unique id instead of that of the key it is like' }),
    }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The new key' } },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
    role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'unwrapping-key', like: 'like', key: 'key' },
  },
  async preview(token, calls, salt) {
    return await token.guard('reading', 'look for what is there already', async () => {
      await token.ensureIndexed();
      const all = calls.map((args) => blocks(token, args));
      const open = calls.flatMap((args, index) => {
        // A key that is to have an id of its own is meant to be a second copy.
        const isOpen = all[index]?.length === 0 && readKeyIfKnown(args, 'like') !== null && !hasNewId(args);
        return isOpen ? [{ index, locator: readKey(args, 'like').locator, arriving: arriving(args) }] : [];
      });
      const found = await duplicatesOn(token, salt).findings(open);
      open.forEach(({ index }, position) => {
        all[index] = found[position] ?? [];
      });
      const notes = await sameLabelNotes(token, calls, ['secret', 'private']);
      return all.map((findings, index) => (findings.length > 0 ? findings : (notes[index] ?? [])));
    });
  },
  async expect(token, { args }, source) {
    return await token.guard('reading', 'look for the key to arrive', () => forecast(token, wanted(args), source));
  },
  async perform(token, call) {
    const { args } = call;
    const wrapped = readWrapped(args);
    if (wrapped === null) throw token.fail('argument-invalid', 'the argument "wrapped-key" must be a wrapped key.');
    const name = arriving(args, call);
    const unwrappingKey = readKey(args, 'unwrapping-key');
    const unwrapping =
      locateNow(token, unwrappingKey) ??
      (await token.guard('reading', 'find the unwrapping key', () => locate(token, unwrappingKey)));
    const wrap = resolved(token, args, wrapped);
    const attributes = askedOf(args);
    const asked = templateOf(token, { ...name, attributes });
    const handle = await token.guard(
      'changing',
      () => `unwrap the ${inWords(name)}`,
      () => unwrap(token, wrap, wrapped, unwrapping, asked),
    );
    token.index.add(name, handle);
    const violations = await token.guard(
      'checking',
      () => `read the arrived ${inWords(name)} back`,
      () => differences(token, handle, asked),
    );
    // Of a public or private key more is wanted next than its class, type and permissions.
    if (violations.length === 0 && name.class === 'secret') {
      token.expectUse({ ...name, handle, bits: 0, checkValue: null, attributes });
    }
    return done({ key: token.ref(name, readKey(args, 'like').locator.fingerprint) }, violations);
  },
  async reconcile(token, call, source) {
    const { args } = call;
    const name = arriving(args, call);
    return await token.guard('reading', `look for the ${inWords(name)}`, () =>
      reconcileCreation(token, call, {
        wanted: wanted(args),
        source,
        result: async (found) => {
          const arrived = found.get(name.class);
          if (arrived === undefined) throw token.fail('key-not-found', 'the arrived key is gone.');
          return {
            outputs: { key: token.ref(name, source?.fingerprint ?? readKey(args, 'like').locator.fingerprint) },
            violations: differences(token, arrived.handle, template(token, call)),
          };
        },
      }),
    );
  },
};
