/**
 * delete-imported-material: takes the material out of a KMS key, which cannot be used until the same material is imported again. That is
 * possible as long as the source has it.
 */
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import { describeKey, inWords, keyIdOf } from '../locate.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';

export const deleteImportedMaterial: KmsAction = {
  spec: {
    name: 'delete-imported-material',
    summary: 'Delete the imported material of a KMS key',
    effect: 'destroy',
    input: shape({ key: key('The KMS key') }),
    outputs: {},
    quotas: { DescribeKey: 1, DeleteImportedKeyMaterial: 1 },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const what = inWords(ref.locator);
    const { Origin: origin } = await describeKey(kms, ref);
    if (origin !== 'EXTERNAL') {
      throw kms.fail(
        'capability-missing',
        `the ${what} has no imported material (origin ${origin}); it was left alone.`,
      );
    }
    await kms.callSeen('DeleteImportedKeyMaterial', { KeyId: keyIdOf(kms, ref) }, `delete the material of the ${what}`);
    return done({});
  },
  async reconcile(kms, { args }) {
    const ref = readKey(args, 'key');
    const gone = await kms.settled(async () =>
      (await describeKey(kms, ref)).KeyState === 'PendingImport' ? true : undefined,
    );
    return gone === undefined ? ABSENT : settledAs(done({}));
  },
};
