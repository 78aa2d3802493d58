/** delete-alias: removes a name. The key that it pointed to is not touched; applications that use the name fail. */
import { optional, required } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { readKeyIfKnown, shape } from '../../actions/arguments.ts';
import { aliasTarget, settledTarget } from '../aliases.ts';
import { isNamed } from '../errors.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';
import { aliasShape, readAlias } from './arguments.ts';

export const deleteAlias: KmsAction = {
  spec: {
    name: 'delete-alias',
    summary: 'Delete an alias',
    effect: 'destroy',
    input: shape({
      alias: required(aliasShape),
      key: optional({ kind: 'opaque', type: 'key', description: 'Only if it points to this key' }),
    }),
    outputs: {},
    quotas: { DeleteAlias: 1 },
  },
  async perform(kms, { args }) {
    const alias = readAlias(args);
    const only = readKeyIfKnown(args, 'key');
    const target = only === null ? null : await settledTarget(kms, alias);
    if (only !== null && target !== null && target.KeyId !== only.locator.id) {
      throw kms.fail('device-refused', `${alias} points to the key ${target.KeyId}; it was left there.`);
    }
    try {
      await kms.callSeen('DeleteAlias', { AliasName: alias }, `delete ${alias}`);
    } catch (error) {
      if (!isNamed(error, 'NotFoundException')) throw error;
      throw kms.fail('key-not-found', `there is no ${alias}.`, { cause: error });
    }
    return done({});
  },
  async reconcile(kms, { args }) {
    const alias = readAlias(args);
    // Still there is believed after as many reads as gone would be.
    const gone = await kms.settled(async () => ((await aliasTarget(kms, alias)) === null ? true : undefined));
    return gone === undefined ? ABSENT : settledAs(done({}));
  },
};
