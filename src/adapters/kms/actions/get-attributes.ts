/** get-attributes: a key in the words that every device has for keys. What only KMS says is in describe-key. */
import { getAttributesBy } from '../../actions/get-attributes.ts';
import type { KmsConnection } from '../connection.ts';
import { recordOf } from '../key-model.ts';
import { describeKey } from '../locate.ts';

export const getAttributes = getAttributesBy<KmsConnection>({
  quotas: { DescribeKey: 1, ListResourceTags: 1 },
  async read(kms, ref) {
    const metadata = await describeKey(kms, ref);
    return recordOf(kms.serial, metadata, await kms.catalog.tagsOf(metadata.KeyId ?? ''));
  },
});
