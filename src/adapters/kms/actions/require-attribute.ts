/** require-attribute: a check that a KMS key has an attribute as wanted. Its contract is that of every device's require-attribute. */
import { attributeFromKebab } from '../../../keys/attributes.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { readBooleanIfGiven, readKey, readKeyIfKnown, readText } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { requireAttribute as ofEveryDevice } from '../../pkcs11/actions/require-attribute.ts';
import type { KmsConnection } from '../connection.ts';
import { recordOf } from '../key-model.ts';
import { describeKey, inWords } from '../locate.ts';
import type { KmsAction } from './action.ts';

/** null: the key is as wanted. */
async function shortcoming(kms: KmsConnection, args: Arguments): Promise<string | null> {
  const kebab = readText(args, 'name');
  const name = attributeFromKebab(kebab);
  if (name === undefined) throw kms.fail('argument-invalid', `there is no attribute "${kebab}".`);
  const record = recordOf(kms.serial, await describeKey(kms, readKey(args, 'key')), {});
  const got = record.attributes[name];
  if (got === (readBooleanIfGiven(args, 'value') ?? true)) return null;
  return got === undefined ? `AWS KMS does not say whether it is ${kebab}` : `${got ? '' : 'not '}${kebab}`;
}

export const requireAttribute: KmsAction = {
  spec: { ...ofEveryDevice.spec, quotas: { DescribeKey: 1 } },
  async preview(kms, calls) {
    const all: (readonly Finding[])[] = [];
    for (const args of calls) {
      const reason = readKeyIfKnown(args, 'key') === null ? null : await shortcoming(kms, args);
      all.push(reason === null ? [] : [{ level: 'skip', reason }]);
    }
    return all;
  },
  async perform(kms, { args }) {
    const reason = await shortcoming(kms, args);
    if (reason === null) return done({});
    const { locator } = readKey(args, 'key');
    const code = args.name === 'extractable' ? 'key-not-extractable' : 'key-not-permitted';
    throw kms.fail(code, `the ${inWords(locator)} is ${reason}.`);
  },
};
