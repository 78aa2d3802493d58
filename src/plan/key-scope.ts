/**
 * What expressions see of a key: `key` whole is its KeyRef, `key.label` and so on are these fields. The planner and the engine build it
 * here, so that `where` and `when` mean the same in the plan and in the run.
 */
import { ATTRIBUTE_NAMES, snakeName } from '../keys/attributes.ts';
import type { KeyRecord, KeyRef } from '../keys/key-record.ts';
import type { KeyScope } from '../playbook/model.ts';

const ATTRIBUTE_FIELDS = ATTRIBUTE_NAMES.map((name) => [name, snakeName(name)] as const);

export const keyRefOf = (record: KeyRecord, role: string): KeyRef => ({
  kind: 'key',
  device: role,
  locator: record.locator,
  record,
});

/** An absent attribute reads as false and an absent KCV as the empty string: what the playbook's type check declares for them. */
export function keyScope(record: KeyRecord, role: string): KeyScope {
  const fields: Record<string, string | number | boolean | null> = {
    label: record.label,
    id: record.id,
    class: record.class,
    type: record.type,
    bits: record.bits,
    kcv: record.kcv ?? '',
  };
  for (const [name, field] of ATTRIBUTE_FIELDS) {
    fields[field] = record.attributes[name] ?? false;
  }
  return { ref: keyRefOf(record, role), fields };
}
