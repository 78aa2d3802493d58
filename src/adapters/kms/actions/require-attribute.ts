/** require-attribute: of a KMS key, whose attributes are what its spec, usage and origin say. */
import { requireAttributeBy } from '../../actions/require-attribute.ts';
import type { KmsConnection } from '../connection.ts';
import { recordOf } from '../key-model.ts';
import { describeKey, inWords } from '../locate.ts';

export const requireAttribute = requireAttributeBy<KmsConnection>({
  device: 'AWS KMS',
  quotas: { DescribeKey: 1 },
  inWords,
  look: async (kms, ref, name) => ({ value: recordOf(kms.serial, await describeKey(kms, ref), {}).attributes[name] }),
});
