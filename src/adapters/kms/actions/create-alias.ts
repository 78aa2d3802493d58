/** create-alias: a new name for a KMS key. An alias that exists stays where it points; moving one is point-alias. */
import type { KeyRef } from '../../../keys/key-record.ts';
import { required } from '../../../schema/shape.ts';
import { type Arguments, ambiguous, block, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { ActionResult, Finding } from '../../adapter.ts';
import { aliasTarget, createAlias as createAliasFor, settledTarget } from '../aliases.ts';
import { inParallel } from '../bounded.ts';
import type { KmsConnection } from '../connection.ts';
import { CUT_OVER, cutOverOf } from '../cut-over.ts';
import { inWords, keyIdOf } from '../locate.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';
import { aliasShape, readAlias, readAliasIfGiven } from './arguments.ts';

const result = (alias: string, ref: KeyRef): ActionResult =>
  done({ alias, cut_over: cutOverOf(alias, ref.locator.id, null) });

async function previewOne(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  const alias = readAliasIfGiven(args);
  const target = alias === undefined ? null : await aliasTarget(kms, alias);
  const isOwn = target !== null && readKeyIfKnown(args, 'key')?.locator.id === target.KeyId;
  return target === null || isOwn ? [] : [block(`${alias} exists and points to the key ${target.KeyId}`)];
}

export const createAlias: KmsAction = {
  spec: {
    name: 'create-alias',
    summary: 'Create an alias for a KMS key',
    effect: 'create',
    input: shape({ alias: required(aliasShape), key: key('The KMS key') }),
    outputs: {
      alias: { type: 'string', lifetime: 'permanent', description: 'The alias' },
      cut_over: CUT_OVER,
    },
    quotas: { CreateAlias: 1 },
    undo: [{ action: 'restore-alias', argument: 'cut-over', output: 'cut_over' }],
  },
  async preview(kms, calls) {
    return await inParallel(calls, kms.parallel, (args) => previewOne(kms, args));
  },
  async expect(_kms, { args }) {
    return { expectation: { kind: 'marker', id: readAlias(args) }, already: null };
  },
  async perform(kms, { args }) {
    const alias = readAlias(args);
    const ref = readKey(args, 'key');
    const { heldBy } = await createAliasFor(kms, alias, keyIdOf(kms, ref));
    if (heldBy !== null) {
      throw kms.fail('device-refused', `${alias} exists and points to ${heldBy}; it was left there.`, {
        hint: 'Choose another alias, or cut it over with point-alias.',
      });
    }
    return result(alias, ref);
  },
  async reconcile(kms, { args }) {
    const alias = readAlias(args);
    const ref = readKey(args, 'key');
    const target = await settledTarget(kms, alias);
    if (target === null) return ABSENT;
    if (target.KeyId === ref.locator.id) return settledAs(result(alias, ref));
    return ambiguous(`${alias} points to the key ${target.KeyId}, not to the ${inWords(ref.locator)}`);
  },
};
