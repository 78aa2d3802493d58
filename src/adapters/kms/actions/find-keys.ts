/** find-keys: the customer managed keys that bear a label, an id, an alias, a class or a type. Asks KMS anew. */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KEY_CLASSES, KEY_TYPES } from '../../../keys/key-spec.ts';
import { optional } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { readTextIfGiven, shape } from '../../actions/arguments.ts';
import { aliasTarget } from '../aliases.ts';
import { recordOf } from '../key-model.ts';
import { refOf } from '../locate.ts';
import type { KmsAction } from './action.ts';
import { aliasShape, readAliasIfGiven, text } from './arguments.ts';

export const findKeys: KmsAction = {
  spec: {
    name: 'find-keys',
    summary: 'Find keys by label, id, alias, class or type',
    effect: 'read',
    input: shape({
      label: optional(text('Exact label')),
      'label-prefix': optional(text('How the label begins')),
      id: optional(text('Key id')),
      alias: optional(aliasShape),
      class: optional({ kind: 'enum', values: KEY_CLASSES }),
      type: optional({ kind: 'enum', values: KEY_TYPES }),
    }),
    outputs: { keys: { type: 'list', lifetime: 'run', description: 'The keys found, in the order of their ids' } },
    quotas: { ListKeys: 1 },
  },
  async perform(kms, { args }) {
    const alias = readAliasIfGiven(args);
    const aliased = alias === undefined ? undefined : ((await aliasTarget(kms, alias))?.KeyId ?? '');
    const wanted = {
      label: readTextIfGiven(args, 'label'),
      id: readTextIfGiven(args, 'id') ?? aliased,
      class: readTextIfGiven(args, 'class'),
      type: readTextIfGiven(args, 'type'),
    };
    const prefix = readTextIfGiven(args, 'label-prefix') ?? '';
    const found: { metadata: KeyMetadata; label: string; id: string }[] = [];
    for await (const page of kms.catalog.everyKey()) {
      for (const { metadata, tags } of page) {
        const record = recordOf(kms.serial, metadata, tags);
        const isWanted =
          record.label.startsWith(prefix) &&
          (wanted.label === undefined || record.label === wanted.label) &&
          (wanted.id === undefined || record.id === wanted.id) &&
          (aliased === undefined || record.id === aliased) &&
          (wanted.class === undefined || record.class === wanted.class) &&
          (wanted.type === undefined || record.type === wanted.type);
        if (isWanted) found.push({ metadata, label: record.locator.label, id: record.id });
      }
    }
    found.sort((a, b) => (a.id < b.id ? -1 : 1));
    return done({ keys: found.map(({ metadata, label }) => refOf(kms, metadata, label)) });
  },
};
