/** find-keys in an account and region: the customer managed keys, by their aliases too. */
import type { KeyRef } from '../../../keys/key-record.ts';
import { optional } from '../../../schema/shape.ts';
import { readTextIfGiven } from '../../actions/arguments.ts';
import { findKeysBy } from '../../actions/find-keys.ts';
import { aliasTarget } from '../aliases.ts';
import type { KmsConnection } from '../connection.ts';
import { recordOf } from '../key-model.ts';
import { refOf } from '../locate.ts';
import { aliasShape, readAliasIfGiven, text } from './arguments.ts';

export const findKeys = findKeysBy<KmsConnection>({
  summary: 'Find keys by label, id, alias, class or type',
  order: 'ids',
  id: optional(text('Key id')),
  readId: (args) => readTextIfGiven(args, 'id'),
  more: { alias: optional(aliasShape) },
  quotas: { ListKeys: 1 },
  async find(kms, isWanted, args) {
    const alias = readAliasIfGiven(args);
    const aliased = alias === undefined ? undefined : ((await aliasTarget(kms, alias))?.KeyId ?? '');
    const found: KeyRef[] = [];
    for await (const page of kms.catalog.everyKey()) {
      for (const { metadata, tags } of page) {
        const { locator } = recordOf(kms.serial, metadata, tags);
        const isAliased = aliased === undefined || locator.id === aliased;
        if (isAliased && isWanted(locator)) found.push(refOf(kms, metadata, locator.label));
      }
    }
    return found.sort((a, b) => (a.locator.id < b.locator.id ? -1 : 1));
  },
});
