/**
 * import-wrapped (AES-CCM) and import-rsa-wrapped: creates the object that another YubiHSM exported, with the id, label and rights that it had
 * there. Which object that will be stands inside the blob; where the playbook does not say, what is on the device before the call is recorded, and
 * after a lost reply what is new is the object.
 */
import type { KeyRef } from '../../../keys/key-record.ts';
import { isWrappedKey, type WrappedKey } from '../../../keys/wrapped-key.ts';
import { optional } from '../../../schema/shape.ts';
import { type Arguments, ambiguous, block, done, note } from '../../actions/action.ts';
import { artifact, key, readKey, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { ActionResult, Expectation, Finding, Reconciliation } from '../../adapter.ts';
import { importRsaWrapped as importRsa } from '../commands/import-rsa-wrapped.ts';
import { importWrapped as importCcm } from '../commands/import-wrapped.ts';
import { ABSENT, forecast, readBack, reconcileCreation, type Wanted } from '../objects/creation.ts';
import { duplicateFindings } from '../objects/duplicates.ts';
import { type Found, labelHexOf, objectInWords } from '../objects/key-model.ts';
import { inWords, locate, refOf } from '../objects/locate.ts';
import { idHex, objectIdOf } from '../objects/object-id.ts';
import { placesOf } from '../objects/object-kinds.ts';
import { readObjectName } from '../objects/object-name.ts';
import { idTaken, logProblem, sessionLacks } from '../objects/permissions.ts';
import { mayUnwrap, routeOf, routeProblem } from '../objects/wrap-routes.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

/** null: the playbook does not say which object it will be. */
function wantedOf(args: Arguments): (Wanted & { readonly like: KeyRef }) | null {
  const like = readKeyIfKnown(args, 'like');
  const id = like === null ? undefined : objectIdOf(like.locator.id);
  if (like === null || id === undefined) return null;
  const { class: keyClass, type, label } = like.locator;
  const objectTypes = placesOf(keyClass, type).flatMap(({ objectType, isHalf }) => (isHalf ? [] : [objectType]));
  return { objectTypes, class: keyClass, type, label, id, like };
}

const PREFIX = 'objects ';

/** `objects 3/0100:0 8/0200:1`: type, id and sequence of everything that is there. */
async function objectNames(hsm: YubiHsm): Promise<readonly string[]> {
  return (await hsm.list()).map(({ type, id, sequence }) => `${type}/${idHex(id)}:${sequence}`).sort();
}

const readWrapped = (args: Arguments): WrappedKey | null =>
  isWrappedKey(args['wrapped-key']) ? args['wrapped-key'] : null;

function result(hsm: YubiHsm, args: Arguments, found: Found): ActionResult {
  const wanted = wantedOf(args);
  const key = refOf(hsm, found, wanted?.like.locator.fingerprint ?? null);
  const isNamesake = wanted === null || (found.info.id === wanted.id && labelHexOf(found.info) === wanted.label);
  if (isNamesake) return done({ key });
  const message = `${hsm.name} made the ${objectInWords(found.info)}, not the ${inWords(wanted.like.locator)}.`;
  return done({ key }, [{ code: 'attribute-mismatch', message }]);
}

/** What is there now and was not before. */
async function reconcileNew(
  hsm: YubiHsm,
  args: Arguments,
  expectation: Extract<Expectation, { kind: 'named' }>,
): Promise<Reconciliation> {
  const before = new Set(expectation.name.slice(PREFIX.length).split(' '));
  const fresh = (await objectNames(hsm)).filter((name) => !before.has(name));
  const [name, ...others] = fresh;
  if (name === undefined) return ABSENT;
  if (others.length > 0) return ambiguous(`${fresh.length} objects on ${hsm.name} are new: ${fresh.join(', ')}`);
  const [, type = '0', id = '0'] = /^(\d+)\/([0-9a-f]{4}):/.exec(name) ?? [];
  const found = await readBack(hsm, Number(type), Number.parseInt(id, 16));
  return { state: 'done', ...result(hsm, args, found) };
}

interface Importing {
  readonly name: string;
  readonly summary: string;
  readonly mechanism: 'aes-ccm-yubihsm' | 'rsa-aes-kwp-yubihsm';
}

/** A name is no proof of what is in a file, so it blocks nothing. */
async function nameFindings(hsm: YubiHsm, args: Arguments): Promise<readonly Finding[]> {
  const named = readObjectName(readTextIfGiven(args, 'name') ?? '');
  const taken = named === undefined ? null : await idTaken(hsm, named.type, named.id);
  return taken === null ? [] : [note(`${taken}: by its name this will fail, for nothing is written over`)];
}

async function findings(hsm: YubiHsm, args: Arguments, mechanism: string): Promise<readonly Finding[]> {
  const problem = routeProblem(hsm, mechanism, 'unwrap');
  if (problem !== null) return [block(problem)];
  const route = routeOf(mechanism);
  const unwrapping = readKeyIfKnown(args, 'unwrapping-key');
  if (unwrapping === null || route === undefined) return blocks(sessionLacks(hsm, 'import-wrapped'));
  return mayUnwrap(hsm, (await locate(hsm, unwrapping)).info, route, null).map(({ reason }) => block(reason));
}

function importing({ name, summary, mechanism }: Importing): YubiHsmAction {
  const route = routeOf(mechanism);
  return {
    spec: {
      name,
      summary,
      effect: 'create',
      input: shape({
        'wrapped-key': artifact('The wrapped object'),
        'unwrapping-key': key('The wrap key to unwrap it with'),
        name: optional({
          kind: 'string',
          description:
            'What export-wrapped named it, or the file of that name: the plan says if such an object is there. What arrives, the wrapped object alone says',
        }),
        like: optional({
          kind: 'opaque',
          type: 'key',
          description: 'The object as it was exported: what arrives must have its id and label',
        }),
      }),
      outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The new object' } },
      undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
      role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'unwrapping-key', like: 'like', key: 'key' },
    },
    async preview(hsm, calls, salt) {
      const log = await logProblem(hsm, calls.length);
      const all: (readonly Finding[])[] = [];
      for (const args of calls) all.push([...blocks(log), ...(await findings(hsm, args, mechanism))]);
      const open = calls.flatMap((args, index) => {
        const wanted = all[index]?.length === 0 ? wantedOf(args) : null;
        return wanted === null ? [] : [{ index, wanted }];
      });
      const found = await duplicateFindings(
        hsm,
        open.map(({ wanted }) => {
          const { like, id, label, objectTypes } = wanted;
          return { source: like.locator, objectType: objectTypes[0] ?? 0, id, label };
        }),
        salt,
      );
      open.forEach(({ index }, position) => {
        all[index] = found[position] ?? [];
      });
      for (const [index, args] of calls.entries()) {
        if (all[index]?.length === 0) all[index] = await nameFindings(hsm, args);
      }
      return all;
    },
    async expect(hsm, { args }, source) {
      const wanted = wantedOf(args);
      if (wanted !== null) return await forecast(hsm, wanted, source);
      const there = await objectNames(hsm);
      return { expectation: { kind: 'named', name: PREFIX + there.join(' '), count: there.length }, already: null };
    },
    async perform(hsm, { args }) {
      const missing = routeProblem(hsm, mechanism, 'unwrap');
      if (missing !== null || route === undefined) throw hsm.fail('capability-missing', `${missing}.`);
      const wrapped = readWrapped(args);
      if (wrapped === null) throw hsm.fail('argument-invalid', 'the argument "wrapped-key" must be a wrapped key.');
      // A file says nothing of how its bytes were made.
      if (wrapped.mechanism !== '' && wrapped.mechanism !== mechanism) {
        const hint =
          routeOf(wrapped.mechanism)?.carries === 'key' ? { hint: 'Key material comes in with unwrap-key.' } : {};
        throw hsm.fail('argument-invalid', `it was wrapped with ${wrapped.mechanism}, not with ${mechanism}.`, hint);
      }
      const unwrapping = (await locate(hsm, readKey(args, 'unwrapping-key'))).info;
      const [refused] = mayUnwrap(hsm, unwrapping, route, null);
      if (refused !== undefined) throw hsm.fail(refused.code, `nothing can be imported: ${refused.reason}.`);
      const request = { wrapKeyId: unwrapping.id, wrapped: wrapped.bytes };
      const what = 'import a wrapped object';
      const made =
        route.oaep === null
          ? await hsm.call(importCcm, request, what)
          : await hsm.call(importRsa, { ...request, ...route.oaep }, what);
      return await hsm.checking(async () => result(hsm, args, await readBack(hsm, made.type, made.id)));
    },
    async reconcile(hsm, call, source) {
      const { args, expectation } = call;
      if (expectation?.kind === 'named') return await reconcileNew(hsm, args, expectation);
      const wanted = wantedOf(args);
      if (wanted === null) return ambiguous('the intent does not say what it expected');
      return await reconcileCreation(hsm, call, { wanted, source, result: async (found) => result(hsm, args, found) });
    },
  };
}

export const importWrapped = importing({
  name: 'import-wrapped',
  summary: 'Import an object that a YubiHSM exported under an AES wrap key',
  mechanism: 'aes-ccm-yubihsm',
});

export const importRsaWrapped = importing({
  name: 'import-rsa-wrapped',
  summary: 'Import an object that a YubiHSM exported under the public half of an RSA wrap key',
  mechanism: 'rsa-aes-kwp-yubihsm',
});
