/** get-attributes: a key in the words that every device has for keys. What only KMS says is in describe-key. */
import { ATTRIBUTE_NAMES, snakeName } from '../../../keys/attributes.ts';
import { done } from '../../actions/action.ts';
import { readKey } from '../../actions/arguments.ts';
import { getAttributes as ofEveryDevice } from '../../pkcs11/actions/get-attributes.ts';
import { recordOf } from '../key-model.ts';
import { describeKey } from '../locate.ts';
import type { KmsAction } from './action.ts';

export const getAttributes: KmsAction = {
  spec: { ...ofEveryDevice.spec, quotas: { DescribeKey: 1, ListResourceTags: 1 } },
  async perform(kms, { args }) {
    const metadata = await describeKey(kms, readKey(args, 'key'));
    const record = recordOf(kms.serial, metadata, await kms.catalog.tagsOf(metadata.KeyId ?? ''));
    return done({
      label: record.label,
      id: record.id,
      class: record.class,
      type: record.type,
      bits: record.bits,
      kcv: '',
      ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [snakeName(name), record.attributes[name] ?? false])),
    });
  },
};
