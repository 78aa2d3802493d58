/** What expressions see of a key and of a file: field names and types, in one place for the checker and for whoever builds a Scope. */
import { ATTRIBUTE_NAMES, snakeName } from '../keys/attributes.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { KeyScope } from './model.ts';

export type FieldType = 'string' | 'int' | 'double' | 'bool';

export const KEY_FIELDS: Readonly<Record<string, FieldType>> = {
  label: 'string',
  id: 'string',
  class: 'string',
  type: 'string',
  kcv: 'string',
  bits: 'int',
  ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [snakeName(name), 'bool' as const])),
};

export const ITEM_FIELDS: Readonly<Record<string, FieldType>> = { path: 'string', name: 'string', size: 'int' };

export const COUNT_TYPES: Readonly<Record<string, FieldType>> = {
  failed: 'int',
  total: 'int',
  finished: 'int',
  failed_share: 'double',
};

/** What an absent field of each type reads as: a key without an attribute does not have the right it stands for. */
export const FIELD_DEFAULTS = { string: '', int: 0, double: 0, bool: false } as const;

const ATTRIBUTE_FIELDS = ATTRIBUTE_NAMES.map((name) => [name, snakeName(name)] as const);

/** The fields of an inventory line as expressions name them; `ref` is what `${{ key }}` gives. */
export function keyScope(record: KeyRecord, ref: unknown): KeyScope {
  const { label, id, type, bits } = record;
  const fields: Record<string, string | number | boolean | null> = {
    label,
    id,
    class: record.class,
    type,
    bits,
    kcv: record.kcv ?? '',
  };
  for (const [name, field] of ATTRIBUTE_FIELDS) fields[field] = record.attributes[name] ?? false;
  return { ref, fields };
}
