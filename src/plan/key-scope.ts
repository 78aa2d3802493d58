/**
 * What expressions see of a source key. The planner and the engine build it here, so that `where` and `when` mean the same in the plan
 * and in the run.
 */
import type { KeyRecord, KeyRef } from '../keys/key-record.ts';
import { keyScope as fieldScope } from '../playbook/key-fields.ts';
import type { KeyScope } from '../playbook/model.ts';

/** `role`: the device's name in the playbook. */
export const keyRefOf = (record: KeyRecord, role: string): KeyRef => ({
  kind: 'key',
  device: role,
  locator: record.locator,
  record,
});

/** `key` whole is the KeyRef; `key.label` and so on are its fields. */
export const keyScope = (record: KeyRecord, role: string): KeyScope => fieldScope(record, keyRefOf(record, role));
