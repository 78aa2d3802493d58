/**
 * The attributes that simulated keys have: form, which classes bear them, at which creations a template may give them, and how they may
 * change afterwards (pkcs11-base v2.40 §4, tables of keys; pkcs11-curr for RSA, EC, AES, 3DES). Leaves out dates, subjects and
 * certificates. Booleans are packed into bits: a device holds hundreds of thousands of keys.
 */
import { CKA, CKO } from '../constants.ts';
import type { Way } from './personality.ts';

export type AttributeForm = 'bool' | 'ulong' | 'bytes' | 'template';

/** `free`: C_SetAttributeValue may set it · `raise`/`lower`: only to true / only to false · `officer`: only the SO raises it. */
export type ChangeRule = 'free' | 'raise' | 'lower' | 'officer' | 'never';

export interface AttributeRow {
  readonly type: number;
  readonly form: AttributeForm;
  /** Bits of CLASS_BIT. */
  readonly classes: number;
  readonly given: readonly Way[];
  readonly change: ChangeRule;
  /** Position in the flag word; -1 for everything but booleans. */
  readonly bit: number;
}

export const CLASS_BIT: Readonly<Record<number, number>> = {
  [CKO.PUBLIC_KEY]: 1,
  [CKO.PRIVATE_KEY]: 2,
  [CKO.SECRET_KEY]: 4,
};
const PUBLIC = 1;
const PRIVATE = 2;
const SECRET = 4;
const GUARDED = PRIVATE | SECRET;
const EVERY = PUBLIC | PRIVATE | SECRET;
const ALWAYS: readonly Way[] = ['generate', 'create', 'unwrap'];

let nextBit = 0;
const bool = (type: number, classes: number, change: ChangeRule, given: readonly Way[] = ALWAYS): AttributeRow => {
  const bit = nextBit;
  nextBit += 1;
  return { type, form: 'bool', classes, given, change, bit };
};
const other = (
  form: AttributeForm,
  type: number,
  classes: number,
  given: readonly Way[],
  change: ChangeRule = 'never',
): AttributeRow => ({ type, form, classes, given, change, bit: -1 });

const CREATE: readonly Way[] = ['create'];
const GENERATE: readonly Way[] = ['generate'];
const MADE: readonly Way[] = ['create', 'generate'];

/** The order of the booleans is the order of their bits in state files: append only. */
export const ATTRIBUTE_ROWS: readonly AttributeRow[] = [
  bool(CKA.TOKEN, EVERY, 'never'),
  bool(CKA.PRIVATE, EVERY, 'never'),
  bool(CKA.MODIFIABLE, EVERY, 'never'),
  bool(CKA.COPYABLE, EVERY, 'lower'),
  bool(CKA.DESTROYABLE, EVERY, 'never'),
  bool(CKA.DERIVE, EVERY, 'free'),
  bool(CKA.LOCAL, EVERY, 'never', []),
  bool(CKA.SENSITIVE, GUARDED, 'raise'),
  bool(CKA.EXTRACTABLE, GUARDED, 'lower'),
  bool(CKA.ALWAYS_SENSITIVE, GUARDED, 'never', []),
  bool(CKA.NEVER_EXTRACTABLE, GUARDED, 'never', []),
  bool(CKA.WRAP_WITH_TRUSTED, GUARDED, 'raise'),
  bool(CKA.TRUSTED, PUBLIC | SECRET, 'officer'),
  bool(CKA.ENCRYPT, PUBLIC | SECRET, 'free'),
  bool(CKA.DECRYPT, GUARDED, 'free'),
  bool(CKA.SIGN, GUARDED, 'free'),
  bool(CKA.SIGN_RECOVER, PRIVATE, 'free'),
  bool(CKA.VERIFY, PUBLIC | SECRET, 'free'),
  bool(CKA.VERIFY_RECOVER, PUBLIC, 'free'),
  bool(CKA.WRAP, PUBLIC | SECRET, 'free'),
  bool(CKA.UNWRAP, GUARDED, 'free'),
  other('ulong', CKA.CLASS, EVERY, ALWAYS),
  other('ulong', CKA.KEY_TYPE, EVERY, ALWAYS),
  other('bytes', CKA.LABEL, EVERY, ALWAYS, 'free'),
  other('bytes', CKA.ID, EVERY, ALWAYS, 'free'),
  other('ulong', CKA.KEY_GEN_MECHANISM, EVERY, []),
  other('template', CKA.WRAP_TEMPLATE, PUBLIC | SECRET, ALWAYS),
  other('template', CKA.UNWRAP_TEMPLATE, GUARDED, ALWAYS),
  other('bytes', CKA.CHECK_VALUE, SECRET, ALWAYS),
  other('bytes', CKA.VALUE, GUARDED, CREATE),
  other('ulong', CKA.VALUE_LEN, SECRET, ['generate', 'unwrap']),
  other('bytes', CKA.MODULUS, PUBLIC | PRIVATE, CREATE),
  other('ulong', CKA.MODULUS_BITS, PUBLIC, GENERATE),
  other('bytes', CKA.PUBLIC_EXPONENT, PUBLIC | PRIVATE, MADE),
  other('bytes', CKA.PRIVATE_EXPONENT, PRIVATE, CREATE),
  other('bytes', CKA.PRIME_1, PRIVATE, CREATE),
  other('bytes', CKA.PRIME_2, PRIVATE, CREATE),
  other('bytes', CKA.EXPONENT_1, PRIVATE, CREATE),
  other('bytes', CKA.EXPONENT_2, PRIVATE, CREATE),
  other('bytes', CKA.COEFFICIENT, PRIVATE, CREATE),
  other('bytes', CKA.EC_PARAMS, PUBLIC | PRIVATE, MADE),
  other('bytes', CKA.EC_POINT, PUBLIC, CREATE),
];

const BY_TYPE: ReadonlyMap<number, AttributeRow> = new Map(ATTRIBUTE_ROWS.map((row) => [row.type, row]));

export const attributeRow = (type: number): AttributeRow | undefined => BY_TYPE.get(type);

/** The mask of one boolean attribute. */
export function flagOf(type: number): number {
  const row = BY_TYPE.get(type);
  if (row === undefined || row.bit < 0) throw new Error(`attribute 0x${type.toString(16)} is not a boolean`);
  return 1 << row.bit;
}

/** Masks of the booleans that a class bears. */
export const CLASS_FLAGS: Readonly<Record<number, number>> = Object.fromEntries(
  Object.entries(CLASS_BIT).map(([cls, bit]) => [
    cls,
    ATTRIBUTE_ROWS.reduce((mask, row) => (row.bit >= 0 && (row.classes & bit) !== 0 ? mask | (1 << row.bit) : mask), 0),
  ]),
);

export const FLAG = {
  TOKEN: flagOf(CKA.TOKEN),
  PRIVATE: flagOf(CKA.PRIVATE),
  MODIFIABLE: flagOf(CKA.MODIFIABLE),
  DESTROYABLE: flagOf(CKA.DESTROYABLE),
  LOCAL: flagOf(CKA.LOCAL),
  SENSITIVE: flagOf(CKA.SENSITIVE),
  EXTRACTABLE: flagOf(CKA.EXTRACTABLE),
  ALWAYS_SENSITIVE: flagOf(CKA.ALWAYS_SENSITIVE),
  NEVER_EXTRACTABLE: flagOf(CKA.NEVER_EXTRACTABLE),
  WRAP_WITH_TRUSTED: flagOf(CKA.WRAP_WITH_TRUSTED),
  TRUSTED: flagOf(CKA.TRUSTED),
  ENCRYPT: flagOf(CKA.ENCRYPT),
  DECRYPT: flagOf(CKA.DECRYPT),
  SIGN: flagOf(CKA.SIGN),
  WRAP: flagOf(CKA.WRAP),
  UNWRAP: flagOf(CKA.UNWRAP),
} as const;
