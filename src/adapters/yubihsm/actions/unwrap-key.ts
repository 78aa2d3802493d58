/**
 * unwrap-key: makes a key from wrapped key material, inside the device (put-rsa-wrapped-key). It arrives with the name and usage of the key it is
 * like, not exportable unless the playbook says so; what was asked for is read back. Whole objects come in with import-wrapped.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { WrappedKey } from '../../../keys/wrapped-key.ts';
import { optional } from '../../../schema/shape.ts';
import { type Arguments, block, done, note } from '../../actions/action.ts';
import {
  artifact,
  attributes,
  key,
  mechanism,
  readBooleanIfGiven,
  readKey,
  readKeyIfKnown,
  shape,
} from '../../actions/arguments.ts';
import type { ActionCall, ActionResult, Finding } from '../../adapter.ts';
import { putRsaWrappedKey } from '../commands/put-rsa-wrapped-key.ts';
import { objectTypeFor } from '../objects/arrival.ts';
import { type Asked, differences, headerOf, labelProblem } from '../objects/asked.ts';
import { forecast, idFor, readBack, reconcileCreation } from '../objects/creation.ts';
import { duplicateFindings } from '../objects/duplicates.ts';
import { type Found, locatorOf } from '../objects/key-model.ts';
import { inWords, locate } from '../objects/locate.ts';
import { idText } from '../objects/object-id.ts';
import { askedProblems, logProblem, sessionLacks } from '../objects/permissions.ts';
import { mayUnwrap, routeOf, routeProblem, type WrapRoute } from '../objects/wrap-routes.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';
import { capabilities, domains, objectId } from './arguments.ts';
import { askedOf, mechanismOf, NO_TYPE, readWrapped, rightsOf, wantedOf, wholeAsked } from './arriving.ts';

function result(hsm: YubiHsm, args: Arguments, found: Found): ActionResult {
  const asked = askedOf(hsm, args);
  const isKnown = readWrapped(args) !== null;
  const { info } = found;
  const compared: Asked = {
    type: info.type,
    algorithm: asked.algorithm ?? info.algorithm,
    label: asked.label,
    domains: isKnown ? asked.domains : info.domains,
    capabilities: isKnown ? (asked.capabilities ?? 0n) : info.capabilities,
  };
  const { fingerprint } = readKey(args, 'like').locator;
  const ref = { kind: 'key' as const, device: hsm.name, locator: locatorOf(hsm.serial, found, fingerprint) };
  return done({ key: ref }, differences(hsm.name, compared, info));
}

/** Of the mechanism and what it carries. */
function routeFindings(
  hsm: YubiHsm,
  args: Arguments,
): { readonly route: WrapRoute | undefined; readonly problem: string | null } {
  const name = mechanismOf(args);
  if (name === undefined) return { route: undefined, problem: null };
  const problem = routeProblem(hsm, name, 'unwrap');
  const route = routeOf(name);
  if (problem !== null || route === undefined) return { route, problem };
  if (route.carries === 'key') return { route, problem: null };
  return {
    route,
    problem: `${name} carries a whole object with its own name and rights: bring it in with import-wrapped`,
  };
}

async function blocked(hsm: YubiHsm, args: Arguments): Promise<readonly string[]> {
  const { route, problem } = routeFindings(hsm, args);
  if (problem !== null) return [problem];
  const like = readKeyIfKnown(args, 'like');
  if (like === null) return [];
  if (objectTypeFor(like.locator) === null) return [`a ${like.locator.type} key cannot arrive: ${NO_TYPE}`];
  const asked = askedOf(hsm, args);
  const { algorithm } = asked;
  const unwrapping = readKeyIfKnown(args, 'unwrapping-key');
  const under =
    unwrapping === null || route === undefined
      ? []
      : mayUnwrap(hsm, (await locate(hsm, unwrapping)).info, route, asked.capabilities);
  const session = under.length > 0 ? null : sessionLacks(hsm, 'import-wrapped');
  const rest =
    algorithm === null
      ? [labelProblem(asked.label)]
      : askedProblems(hsm, { ...asked, algorithm, capabilities: asked.capabilities ?? 0n });
  return [...under.map(({ reason }) => reason), session, ...rest].filter((reason) => reason !== null);
}

/** What is not as the source has it, and no reason against the move. */
function notes(hsm: YubiHsm, args: Arguments): readonly Finding[] {
  if (readKeyIfKnown(args, 'like') === null) return [];
  const lost = rightsOf(args)?.lost ?? [];
  const { id } = readKey(args, 'like').locator;
  const isFreed = wantedOf(args).id === undefined && readBooleanIfGiven(args, 'new-id') !== true && id !== '';
  return [
    ...(lost.length === 0
      ? []
      : [note(`it arrives without ${lost.join(', ')}, which such a key on ${hsm.name} cannot have`)]),
    ...(isFreed ? [note(`its id ${id} is none that an object can have (four hex digits): it gets a free one`)] : []),
  ];
}

async function own(hsm: YubiHsm, args: Arguments): Promise<readonly Finding[]> {
  try {
    return blocks(...(await blocked(hsm, args)));
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'argument-invalid') return [block(error.message)];
    throw error;
  }
}

export const unwrapKey: YubiHsmAction = {
  spec: {
    name: 'unwrap-key',
    summary: 'Create a key from a wrapped key, inside the device',
    effect: 'create',
    input: shape({
      'wrapped-key': artifact('The wrapped key; it says how it was wrapped'),
      'unwrapping-key': key('The RSA wrap key to unwrap it with'),
      like: key('Label, id, type and usage are taken from this key'),
      mechanism: optional(mechanism),
      attributes,
      capabilities,
      domains,
      label: optional({ kind: 'string', description: 'Another label than that of the key it is like' }),
      id: objectId,
      'new-id': optional({ kind: 'boolean', description: 'A free id instead of that of the key it is like' }),
    }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The new key' } },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
    role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'unwrapping-key', like: 'like', key: 'key' },
  },
  async preview(hsm, calls, salt) {
    const log = await logProblem(hsm, calls.length);
    const all: (readonly Finding[])[] = [];
    for (const args of calls) all.push([...blocks(log), ...(await own(hsm, args))]);
    const open = calls.flatMap((args, index) => {
      // A key that is to have an id of its own is meant to be a second copy.
      const isOpen =
        all[index]?.length === 0 &&
        readKeyIfKnown(args, 'like') !== null &&
        readBooleanIfGiven(args, 'new-id') !== true;
      return isOpen ? [{ index, args }] : [];
    });
    const found = await duplicateFindings(
      hsm,
      open.map(({ args }) => {
        const { objectType, id, label } = wantedOf(args);
        return { source: readKey(args, 'like').locator, objectType, id, label };
      }),
      salt,
    );
    open.forEach(({ index, args }, position) => {
      const there = found[position] ?? [];
      all[index] = there.length > 0 ? there : notes(hsm, args);
    });
    return all;
  },
  async expect(hsm, { args }, source) {
    return await forecast(hsm, wantedOf(args), source);
  },
  async perform(hsm, call: ActionCall) {
    const { args } = call;
    const wrapped = readWrapped(args);
    if (wrapped === null) throw hsm.fail('argument-invalid', 'the argument "wrapped-key" must be a wrapped key.');
    const name = mechanismOf(args) ?? '';
    if (name !== wrapped.mechanism) {
      throw hsm.fail('argument-invalid', `the key was wrapped with ${wrapped.mechanism}, not with ${name}.`);
    }
    const { route, problem } = routeFindings(hsm, args);
    if (problem !== null || route?.oaep == null) throw hsm.fail('capability-missing', `${problem}.`);
    requireFit(hsm, args, wrapped);
    const asked = wholeAsked(hsm, args);
    const unwrapping = (await locate(hsm, readKey(args, 'unwrapping-key'))).info;
    const [refused] = mayUnwrap(hsm, unwrapping, route, asked.capabilities);
    if (refused !== undefined) throw hsm.fail(refused.code, `nothing can be unwrapped: ${refused.reason}.`);
    const [wrong] = askedProblems(hsm, asked);
    if (wrong !== undefined) throw hsm.fail('capability-missing', `${wrong}.`);
    const id = await idFor(hsm, call, wantedOf(args));
    const request = {
      ...headerOf(asked, id),
      ...route.oaep,
      type: asked.type,
      wrapKeyId: unwrapping.id,
      wrapped: wrapped.bytes,
    };
    await hsm.call(putRsaWrappedKey, request, `unwrap a key as ${idText(id)}`);
    return await hsm.checking(async () => result(hsm, args, await readBack(hsm, asked.type, id)));
  },
  async reconcile(hsm, call, source) {
    const { args } = call;
    return await reconcileCreation(hsm, call, {
      wanted: wantedOf(args),
      source,
      result: async (found) => result(hsm, args, found),
    });
  },
};

function requireFit(hsm: YubiHsm, args: Arguments, { payload }: WrappedKey): void {
  const like = readKey(args, 'like').locator;
  if (payload === null || (payload.class === like.class && payload.type === like.type)) return;
  throw hsm.fail('argument-invalid', `a wrapped ${payload.type} key cannot become a key like the ${inWords(like)}.`);
}
