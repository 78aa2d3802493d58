/**
 * The attribute numbers of key_mgmt_util and cloudhsm_mgmt_util (AWS CloudHSM user guide, key attribute table). They are PKCS#11's, but for
 * KCV and ALL. In the order in which listAttributes prints them.
 */
import { CKA } from '../adapters/pkcs11/constants.ts';
import { decodeTemplate } from '../adapters/pkcs11/simulator/attribute-values.ts';

export interface ObjectAttribute {
  readonly name: string;
  readonly number: number;
  /** PKCS#11 number. */
  readonly cka: number;
  readonly kind: 'boolean' | 'number' | 'text' | 'bytes' | 'template';
  /** key_mgmt_util's list is the shorter one. */
  readonly isInShortList: boolean;
  /** cloudhsm_mgmt_util's setAttribute changes it. */
  readonly isChangeable: boolean;
}

type Mark = 'full-list-only' | 'changeable';

function row(name: string, cka: number, kind: ObjectAttribute['kind'], ...marks: readonly Mark[]): ObjectAttribute {
  return {
    name: `OBJ_ATTR_${name}`,
    number: cka,
    cka,
    kind,
    isInShortList: !marks.includes('full-list-only'),
    isChangeable: marks.includes('changeable'),
  };
}

export const KCV = 371;
/** All of them at once; for reading only. */
export const ALL_ATTRIBUTES = 512;

export const OBJECT_ATTRIBUTES: readonly ObjectAttribute[] = [
  row('CLASS', CKA.CLASS, 'number'),
  row('TOKEN', CKA.TOKEN, 'boolean'),
  row('PRIVATE', CKA.PRIVATE, 'boolean'),
  row('LABEL', CKA.LABEL, 'text', 'changeable'),
  row('TRUSTED', CKA.TRUSTED, 'boolean', 'full-list-only', 'changeable'),
  row('KEY_TYPE', CKA.KEY_TYPE, 'number'),
  row('ID', CKA.ID, 'text'),
  row('SENSITIVE', CKA.SENSITIVE, 'boolean'),
  row('ENCRYPT', CKA.ENCRYPT, 'boolean', 'changeable'),
  row('DECRYPT', CKA.DECRYPT, 'boolean', 'changeable'),
  row('WRAP', CKA.WRAP, 'boolean', 'changeable'),
  row('UNWRAP', CKA.UNWRAP, 'boolean', 'changeable'),
  row('SIGN', CKA.SIGN, 'boolean', 'changeable'),
  row('VERIFY', CKA.VERIFY, 'boolean', 'changeable'),
  row('DERIVE', CKA.DERIVE, 'boolean', 'full-list-only', 'changeable'),
  row('LOCAL', CKA.LOCAL, 'boolean'),
  row('MODULUS', CKA.MODULUS, 'bytes'),
  row('MODULUS_BITS', CKA.MODULUS_BITS, 'number'),
  row('PUBLIC_EXPONENT', CKA.PUBLIC_EXPONENT, 'bytes'),
  row('VALUE_LEN', CKA.VALUE_LEN, 'number'),
  row('EXTRACTABLE', CKA.EXTRACTABLE, 'boolean'),
  row('NEVER_EXTRACTABLE', CKA.NEVER_EXTRACTABLE, 'boolean', 'full-list-only'),
  row('ALWAYS_SENSITIVE', CKA.ALWAYS_SENSITIVE, 'boolean', 'full-list-only'),
  row('DESTROYABLE', CKA.DESTROYABLE, 'boolean', 'full-list-only', 'changeable'),
  { ...row('KCV', CKA.CHECK_VALUE, 'bytes'), number: KCV },
  row('WRAP_WITH_TRUSTED', CKA.WRAP_WITH_TRUSTED, 'boolean', 'full-list-only', 'changeable'),
  row('WRAP_TEMPLATE', CKA.WRAP_TEMPLATE, 'template', 'full-list-only', 'changeable'),
  row('UNWRAP_TEMPLATE', CKA.UNWRAP_TEMPLATE, 'template', 'full-list-only', 'changeable'),
];

export const attributeOf = (number: number): ObjectAttribute | undefined =>
  OBJECT_ATTRIBUTES.find((attribute) => attribute.number === number);

/** The lines that both tools' listAttributes print. */
export function attributeList(isShort: boolean): string[] {
  const rows = OBJECT_ATTRIBUTES.filter(({ isInShortList }) => isInShortList || !isShort);
  return [
    'Description',
    '===========',
    ...rows.map(({ name, number }) => `      ${name.padEnd(31)} = ${number}`),
    `      ${'OBJ_ATTR_ALL'.padEnd(31)} = ${ALL_ATTRIBUTES}`,
  ];
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

function numberOf(bytes: Uint8Array): number {
  let value = 0;
  for (let at = bytes.length - 1; at >= 0; at -= 1) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

/** A raw PKCS#11 value as the tools show it; templates in keyferry's way, `354=0,260=1`. `digits`: of booleans, classes and types. */
export function attributeText(attribute: ObjectAttribute, bytes: Uint8Array, digits = 8): string {
  switch (attribute.kind) {
    case 'boolean':
      return hex(numberOf(bytes), digits);
    case 'number':
      return hex(numberOf(bytes), attribute.cka === CKA.CLASS || attribute.cka === CKA.KEY_TYPE ? digits : 8);
    case 'text':
      return Buffer.from(bytes).toString('utf8');
    case 'template':
      return (decodeTemplate(bytes) ?? []).map(({ type, value }) => `${type}=${numberOf(value)}`).join(',');
    case 'bytes':
      return `0x${Buffer.from(bytes).toString('hex')}`;
  }
}
