/**
 * schedule-deletion: a KMS key cannot be deleted at once. Until the window ends it can be taken back (CancelKeyDeletion, by hand). A key
 * that an alias points to is in use as far as anybody can tell, and is left alone.
 */
import { withDefault } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { key, readIntegerIfGiven, readKey, shape } from '../../actions/arguments.ts';
import { isNamed } from '../errors.ts';
import { isPendingDeletion } from '../key-model.ts';
import { describeKey, inWords, keyIdOf } from '../locate.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';

const SHORTEST_DAYS = 7;
const LONGEST_DAYS = 30;

export const scheduleDeletion: KmsAction = {
  spec: {
    name: 'schedule-deletion',
    summary: 'Schedule the deletion of a KMS key that no alias points to',
    effect: 'destroy',
    input: shape({
      key: key('The KMS key'),
      days: withDefault(
        { kind: 'integer', minimum: SHORTEST_DAYS, maximum: LONGEST_DAYS, description: 'Days until it is gone' },
        SHORTEST_DAYS,
      ),
    }),
    outputs: { deletion_date: { type: 'string', lifetime: 'permanent', description: 'When it will be gone' } },
    quotas: { ScheduleKeyDeletion: 1 },
    pointOfNoReturn: true,
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const keyId = keyIdOf(kms, ref);
    const what = inWords(ref.locator);
    const days = readIntegerIfGiven(args, 'days') ?? SHORTEST_DAYS;
    if (days < SHORTEST_DAYS || days > LONGEST_DAYS) {
      throw kms.fail(
        'argument-invalid',
        `a key is deleted after ${SHORTEST_DAYS} to ${LONGEST_DAYS} days, not ${days}.`,
      );
    }
    let names: readonly string[] = [];
    // An alias that was just taken away may be listed for a while.
    await kms.settled(async () => {
      names = (await kms.catalog.aliases(keyId)).flatMap(({ AliasName: name }) => name ?? []);
      return names.length === 0 ? true : undefined;
    });
    if (names.length > 0) {
      throw kms.fail(
        'device-refused',
        `the ${what} was not scheduled for deletion: ${names.join(', ')} points to it.`,
        {
          hint: 'Point the alias elsewhere or delete it first.',
        },
      );
    }
    try {
      const input = { KeyId: keyId, PendingWindowInDays: days };
      const { DeletionDate: on } = await kms.callSeen(
        'ScheduleKeyDeletion',
        input,
        `schedule the deletion of the ${what}`,
      );
      return done({ deletion_date: on?.toISOString() ?? '' });
    } catch (error) {
      if (!isNamed(error, 'KMSInvalidStateException')) throw error;
      // Scheduled already is what was wanted.
      const scheduled = await describeKey(kms, ref);
      if (!isPendingDeletion(scheduled)) throw error;
      return done({ deletion_date: scheduled.DeletionDate?.toISOString() ?? '' });
    }
  },
  async reconcile(kms, { args }) {
    const ref = readKey(args, 'key');
    const scheduled = await kms.settled(async () => {
      const metadata = await kms.describe(keyIdOf(kms, ref));
      return metadata !== null && isPendingDeletion(metadata) ? metadata : undefined;
    });
    if (scheduled === undefined) return ABSENT;
    return settledAs(done({ deletion_date: scheduled.DeletionDate?.toISOString() ?? '' }));
  },
};
