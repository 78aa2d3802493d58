/**
 * Attributes as the management tool reads and changes them, on one node (user guide, cloudhsm_mgmt_util getAttribute and setAttribute).
 * Leaves out the check value of asymmetric keys, whose encoding no source gives.
 */
import { CKA } from '../../pkcs11/constants.ts';
import { attributeRow, CLASS_BIT, FLAG } from '../../pkcs11/simulator/attribute-table.ts';
import { Refusal } from '../../pkcs11/simulator/refusal.ts';
import { has, readAttribute, type SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { checkForm } from '../../pkcs11/simulator/template.ts';
import { HsmRefusal } from './cluster.ts';
import { handleOf, onNode } from './cluster-keys.ts';
import type { NodeRecord } from './cluster-record.ts';

/** The one number that is not PKCS#11's. */
const OBJ_ATTR_KCV = 371;

const CHANGEABLE: ReadonlySet<number> = new Set([
  CKA.LABEL,
  CKA.TRUSTED,
  CKA.ENCRYPT,
  CKA.DECRYPT,
  CKA.WRAP,
  CKA.UNWRAP,
  CKA.SIGN,
  CKA.VERIFY,
  CKA.DERIVE,
  CKA.DESTROYABLE,
  CKA.WRAP_WITH_TRUSTED,
  CKA.WRAP_TEMPLATE,
  CKA.UNWRAP_TEMPLATE,
]);

const READABLE: ReadonlySet<number> = new Set([
  ...CHANGEABLE,
  CKA.CLASS,
  CKA.TOKEN,
  CKA.PRIVATE,
  CKA.KEY_TYPE,
  CKA.ID,
  CKA.SENSITIVE,
  CKA.MODULUS,
  CKA.MODULUS_BITS,
  CKA.PUBLIC_EXPONENT,
  CKA.VALUE_LEN,
  CKA.EXTRACTABLE,
  CKA.LOCAL,
  CKA.NEVER_EXTRACTABLE,
  CKA.ALWAYS_SENSITIVE,
  OBJ_ATTR_KCV,
]);

/** Throws HsmRefusal `no-such-attribute`. */
export function readKeyAttribute(node: NodeRecord, key: SimulatedObject, attribute: number): Uint8Array {
  const type = attribute === OBJ_ATTR_KCV ? CKA.CHECK_VALUE : attribute;
  const value = READABLE.has(attribute) ? readAttribute(onNode(node, key), type) : null;
  if (value instanceof Uint8Array) return value;
  throw new HsmRefusal('no-such-attribute', null, `the key has no attribute ${attribute}`);
}

/** Throws HsmRefusal `no-such-attribute`, `attribute-read-only`, `attribute-value`. */
export function writeKeyAttribute(node: NodeRecord, key: SimulatedObject, attribute: number, value: Uint8Array): void {
  const row = attributeRow(attribute);
  if (row === undefined || (row.classes & (CLASS_BIT[key.class] ?? 0)) === 0) {
    throw new HsmRefusal('no-such-attribute', null, `the key has no attribute ${attribute}`);
  }
  if (!CHANGEABLE.has(attribute)) {
    throw new HsmRefusal('attribute-read-only', null, `attribute ${attribute} cannot be changed`);
  }
  let isSet: boolean;
  try {
    isSet = checkForm(row, value);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new HsmRefusal('attribute-value', null, `the value is none that attribute ${attribute} can have`);
  }
  if (attribute === CKA.WRAP_WITH_TRUSTED && !isSet && has(onNode(node, key), FLAG.WRAP_WITH_TRUSTED)) {
    throw new HsmRefusal('attribute-read-only', null, 'what may only be wrapped with trusted keys stays so');
  }
  const handle = handleOf(key);
  node.attributes[handle] = { ...node.attributes[handle], [attribute]: Buffer.from(value).toString('hex') };
}
