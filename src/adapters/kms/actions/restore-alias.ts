/** restore-alias: takes a cut-over back. An alias that somebody has moved since is left alone. */
import { ANYTHING, type Field, required } from '../../../schema/shape.ts';
import { ambiguous, done } from '../../actions/action.ts';
import { shape } from '../../actions/arguments.ts';
import { aliasTarget, awaitTarget, settledTarget } from '../aliases.ts';
import { readCutOver } from '../cut-over.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';

const cutOver: Field = required({ kind: 'map', of: ANYTHING, description: 'What point-alias or create-alias gave' });

export const restoreAlias: KmsAction = {
  spec: {
    name: 'restore-alias',
    summary: 'Point an alias back to where it was before a cut-over',
    effect: 'change',
    input: shape({ 'cut-over': cutOver }),
    outputs: {},
    quotas: { UpdateAlias: 1, DescribeKey: 1 },
  },
  async perform(kms, { args }) {
    const { alias, key, previous } = readCutOver(args['cut-over']);
    const target = (await settledTarget(kms, alias))?.KeyId ?? '';
    if (target === previous) return done({});
    if (target !== key) {
      throw kms.fail(
        'device-refused',
        `${alias} points to ${target} now, which this run did not do; it was left there.`,
      );
    }
    if (previous === '') await kms.callSeen('DeleteAlias', { AliasName: alias }, `remove ${alias}`);
    else {
      await kms.callSeen(
        'UpdateAlias',
        { AliasName: alias, TargetKeyId: previous },
        `point ${alias} back to ${previous}`,
      );
    }
    const { isAsWanted, target: shown } = await awaitTarget(kms, alias, previous === '' ? null : previous);
    return isAsWanted
      ? done({})
      : done({}, [{ code: 'attribute-mismatch', message: `${kms.name}: ${alias} still shows ${shown ?? 'no key'}.` }]);
  },
  async reconcile(kms, { args }) {
    const { alias, key, previous } = readCutOver(args['cut-over']);
    let target = '';
    const back = await kms.settled(async () => {
      target = (await aliasTarget(kms, alias))?.KeyId ?? '';
      return target === previous ? true : undefined;
    });
    if (back === true) return settledAs(done({}));
    return target === key ? ABSENT : ambiguous(`${alias} points to ${target}, which this run did not do`);
  },
};
