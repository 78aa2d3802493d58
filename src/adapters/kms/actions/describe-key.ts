/** describe-key: what KMS says of a key, for conditions and reports. */
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import type { OutputSpec } from '../../adapter.ts';
import { currentExpiry } from '../expiry.ts';
import { materialIdOf } from '../import-call.ts';
import { describeKey } from '../locate.ts';
import type { KmsAction } from './action.ts';

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });

export const describeKmsKey: KmsAction = {
  spec: {
    name: 'describe-key',
    summary: 'Read state, spec and expiry of a KMS key',
    effect: 'read',
    input: shape({ key: key('The KMS key') }),
    outputs: {
      state: text('Enabled, Disabled, PendingImport, PendingDeletion, …'),
      enabled: { type: 'bool', lifetime: 'run', description: 'Whether it can be used' },
      arn: text('ARN'),
      spec: text('Key spec'),
      usage: text('Key usage'),
      origin: text('EXTERNAL or AWS_KMS'),
      description: text('Description'),
      expires: text('When its material expires; empty: never'),
      key_material_id: text('Id of its material; empty but for symmetric keys'),
      deletion_date: text('When it is deleted; empty: not scheduled'),
    },
    quotas: { DescribeKey: 1 },
  },
  async perform(kms, { args }) {
    const found = await describeKey(kms, readKey(args, 'key'));
    return done({
      state: found.KeyState ?? '',
      enabled: found.KeyState === 'Enabled',
      arn: found.Arn ?? '',
      spec: found.KeySpec ?? '',
      usage: found.KeyUsage ?? '',
      origin: found.Origin ?? '',
      description: found.Description ?? '',
      expires: currentExpiry(found)?.toISOString() ?? '',
      key_material_id: materialIdOf(found),
      deletion_date: found.DeletionDate?.toISOString() ?? '',
    });
  },
};
