/** EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion. */
import { type KeyRecord, keyArn, seconds, stateOf } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { refusePendingDeletion, requireState } from '../key-state.ts';
import { integer } from '../members.ts';
import { acting } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { requiredKeyId } from './request-members.ts';

const DAY_MS = 24 * 3_600_000;
const DEFAULT_WINDOW_DAYS = 30;

const switching = (isEnabled: boolean) =>
  acting({ KeyId: requiredKeyId }, ({ place, change }, { KeyId }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      requireState(key, place, 'Enabled', 'Disabled');
      return { entries: [{ kind: 'key', key: { ...key, isEnabled } }], result: null };
    }),
  );

export const enableKey = switching(true);
export const disableKey = switching(false);

export const scheduleKeyDeletion = acting(
  { KeyId: requiredKeyId, PendingWindowInDays: integer(1, 365) },
  ({ place, nowMs, change }, { KeyId, PendingWindowInDays: windowDays = DEFAULT_WINDOW_DAYS }) => {
    if (windowDays < 7 || windowDays > 30)
      return refuse('ValidationException', 'PendingWindowInDays must be between 7 and 30 days');
    return change((state) => {
      const key = findKey(state, place, KeyId);
      refusePendingDeletion(key, place);
      const atMs = nowMs + windowDays * DAY_MS;
      return {
        entries: [{ kind: 'key', key: { ...key, deletion: { atMs, windowDays } } }],
        result: {
          KeyId: keyArn(place, key.id),
          DeletionDate: seconds(atMs),
          KeyState: 'PendingDeletion',
          PendingWindowInDays: windowDays,
        },
      };
    });
  },
);

export const cancelKeyDeletion = acting({ KeyId: requiredKeyId }, ({ place, change }, { KeyId }) =>
  change((state) => {
    const key = findKey(state, place, KeyId);
    const arn = keyArn(place, key.id);
    if (stateOf(key) !== 'PendingDeletion') refuse('KMSInvalidStateException', `${arn} is not pending deletion.`);
    // Without material it will be PendingImport whatever this says.
    const kept: KeyRecord = { ...key, deletion: null, isEnabled: false };
    return { entries: [{ kind: 'key', key: kept }], result: { KeyId: arn } };
  }),
);
