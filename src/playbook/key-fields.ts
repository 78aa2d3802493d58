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
  curve: 'string',
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
  return new RecordScope(record, ref);
}

type Fields = Record<string, string | number | boolean | null>;

/** Fields are made when an expression asks for them: most steps of most keys hand on the key as a whole. */
class RecordScope implements KeyScope {
  readonly ref: unknown;
  readonly #record: KeyRecord;
  #fields: Fields | null = null;

  constructor(record: KeyRecord, ref: unknown) {
    this.#record = record;
    this.ref = ref;
  }

  get fields(): Fields {
    this.#fields ??= fieldsOf(this.#record);
    return this.#fields;
  }
}

function fieldsOf(record: KeyRecord): Fields {
  const { label, id, type, bits } = record;
  const fields: Fields = {
    label,
    id,
    class: record.class,
    type,
    bits,
    curve: record.curve ?? '',
    kcv: record.kcv ?? '',
  };
  for (const [name, field] of ATTRIBUTE_FIELDS) fields[field] = record.attributes[name] ?? false;
  return fields;
}
