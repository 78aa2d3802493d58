/**
 * delete-key and delete-object: destroys one object, looked at once more right before. The public half of a pair is no object: it goes when the
 * private half goes.
 */
import type { KeyRef } from '../../../keys/key-record.ts';
import { type Arguments, ambiguous, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import { deleteObject as deleteCommand } from '../commands/delete-object.ts';
import { ABSENT } from '../objects/creation.ts';
import { type Found, objectInWords } from '../objects/key-model.ts';
import { foundAt, inWords, locate } from '../objects/locate.ts';
import { idText } from '../objects/object-id.ts';
import { logProblem, sessionLacks } from '../objects/permissions.ts';
import { DELETE_CAPABILITY } from '../objects/usage.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

function refused(hsm: YubiHsm, { info, isHalf }: Found): string | null {
  if (isHalf) return null;
  if (info.type === OBJECT_TYPE['authentication-key'] && info.id === hsm.authority.keyId) {
    return `the authentication key ${idText(info.id)} is the one that keyferry is logged in with`;
  }
  const capability = DELETE_CAPABILITY[info.type];
  return capability === undefined
    ? `the ${objectInWords(info)} is of a type that keyferry does not delete`
    : sessionLacks(hsm, capability);
}

/** Several are told apart by fingerprint, as when it was deleted; null: nothing that the reference means is there. */
async function leftOf(hsm: YubiHsm, ref: KeyRef): Promise<readonly Found[]> {
  return ref.locator.serial === hsm.serial ? await foundAt(hsm, ref.locator) : [];
}

function action(name: string, summary: string, argument: 'key' | 'object'): YubiHsmAction {
  const read = (args: Arguments): KeyRef => readKey(args, argument);
  return {
    spec: {
      name,
      summary,
      effect: 'destroy',
      input: shape({ [argument]: key(`The ${argument} to destroy`) }),
      outputs: {},
      pointOfNoReturn: true,
    },
    async preview(hsm, calls) {
      const log = await logProblem(hsm, calls.length);
      const all = [];
      for (const args of calls) {
        const ref = readKeyIfKnown(args, argument);
        all.push(blocks(log, ref === null ? null : refused(hsm, await locate(hsm, ref))));
      }
      return all;
    },
    async perform(hsm, { args }) {
      const found = await locate(hsm, read(args));
      const problem = refused(hsm, found);
      if (problem !== null) throw hsm.fail('key-not-permitted', `nothing was deleted: ${problem}.`);
      const { type, id } = found.info;
      if (!found.isHalf) await hsm.call(deleteCommand, { type, id }, `delete the ${objectInWords(found.info)}`);
      return done({});
    },
    async reconcile(hsm, { args }) {
      const ref = read(args);
      const left = await leftOf(hsm, ref);
      const [only] = left;
      if (only === undefined || only.isHalf) return { state: 'done', ...done({}) };
      if (left.length === 1) return ABSENT;
      return ambiguous(`${left.length} objects on ${hsm.name} are the ${inWords(ref.locator)}`);
    },
  };
}

export const deleteKey = action('delete-key', 'Destroy a key on the device', 'key');
export const deleteObject = action('delete-object', 'Destroy an object of any type on the device', 'object');
