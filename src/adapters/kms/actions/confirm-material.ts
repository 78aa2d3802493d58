/**
 * confirm-material: KMS itself says whether it holds what the source wraps now. The same key is wrapped again and imported again: KMS
 * compares it with the material that it has and refuses any other, without a change. refuse-other-material shows that it does refuse.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { done } from '../../pkcs11/actions/action.ts';
import { artifact, key, readKey, shape } from '../../pkcs11/actions/arguments.ts';
import { isNamed } from '../errors.ts';
import { currentExpiry } from '../expiry.ts';
import {
  checkImport,
  hasMaterial,
  isSymmetric,
  materialIdOf,
  readParameters,
  readWrappedKey,
  sendImport,
} from '../import-call.ts';
import { describeKey, inWords } from '../locate.ts';
import { ABSENT, type KmsAction } from './action.ts';

export const confirmMaterial: KmsAction = {
  spec: {
    name: 'confirm-material',
    summary: 'Prove by importing again that KMS holds what the source wraps',
    effect: 'change',
    input: shape({
      key: key('The KMS key'),
      'wrapped-key': artifact('The source key, wrapped once more'),
      parameters: artifact('Import parameters of its own'),
    }),
    outputs: {
      method: { type: 'string', lifetime: 'permanent', description: 'same-material re-import' },
      strength: { type: 'string', lifetime: 'permanent', description: 'strong' },
    },
    quotas: { DescribeKey: 1, ImportKeyMaterial: 1 },
    role: { kind: 'prove', method: 'method', strength: 'strength' },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const wanted = { ref, parameters: readParameters(kms, args), wrapped: readWrappedKey(kms, args) };
    checkImport(kms, wanted);
    const ready = await kms.awaited(async () => {
      const metadata = await describeKey(kms, ref);
      return hasMaterial(metadata) ? metadata : undefined;
    });
    const what = inWords(ref.locator);
    // Without material there is nothing to compare with, and the import would be one.
    if (ready === undefined) throw kms.fail('device-refused', `the ${what} has no material to compare with.`);
    const id = materialIdOf(ready);
    const extra = isSymmetric(ready)
      ? ({ ImportType: 'EXISTING_KEY_MATERIAL', ...(id === '' ? {} : { KeyMaterialId: id }) } as const)
      : {};
    try {
      const { KeyMaterialId: imported } = await sendImport(kms, wanted, currentExpiry(ready), extra);
      if (imported !== undefined && id !== '' && imported !== id) {
        throw kms.fail('verification-failed', `the ${what} took the material as ${imported}, not as its own ${id}.`, {
          outcome: 'applied',
        });
      }
    } catch (error) {
      if (!isNamed(error, 'IncorrectKeyMaterialException')) throw error;
      throw new KeyferryError('verification-failed', `${kms.name}: the ${what} does not hold what the source wraps.`, {
        device: kms.name,
        operation: 'ImportKeyMaterial',
        outcome: 'not-applied',
        native: { name: 'IncorrectKeyMaterialException' },
        cause: error,
      });
    }
    return done({ method: 'same-material re-import', strength: 'strong' });
  },
  /** Only an answer proves anything, and a repetition changes nothing. */
  async reconcile() {
    return ABSENT;
  },
};
