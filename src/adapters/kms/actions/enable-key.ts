/** enable-key and disable-key: whether a KMS key can be used. A key without material can be neither. */
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import { inWords, keyIdOf } from '../locate.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';

function switching(operation: 'EnableKey' | 'DisableKey', state: 'Enabled' | 'Disabled'): KmsAction {
  const verb = operation === 'EnableKey' ? 'enable' : 'disable';
  return {
    spec: {
      name: `${verb}-key`,
      summary: operation === 'EnableKey' ? 'Let a KMS key be used' : 'Let a KMS key not be used',
      effect: 'change',
      input: shape({ key: key('The KMS key') }),
      outputs: {},
      quotas: { [operation]: 1 },
    },
    async perform(kms, { args }) {
      const ref = readKey(args, 'key');
      const KeyId = keyIdOf(kms, ref);
      await kms.callSeen(operation, { KeyId }, `${verb} the ${inWords(ref.locator)}`);
      const shown = await kms.awaited(async () => ((await kms.describe(KeyId))?.KeyState === state ? true : undefined));
      return shown === true
        ? done({})
        : done({}, [
            {
              code: 'attribute-mismatch',
              message: `${kms.name}: the ${inWords(ref.locator)} is not shown as ${state}.`,
            },
          ]);
    },
    async reconcile(kms, { args }) {
      const KeyId = keyIdOf(kms, readKey(args, 'key'));
      const isSo = await kms.settled(async () => ((await kms.describe(KeyId))?.KeyState === state ? true : undefined));
      return isSo === true ? settledAs(done({})) : ABSENT;
    },
  };
}

export const enableKey: KmsAction = switching('EnableKey', 'Enabled');
export const disableKey: KmsAction = switching('DisableKey', 'Disabled');
