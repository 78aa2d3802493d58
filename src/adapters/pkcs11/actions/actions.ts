/** The actions of every device behind PKCS#11, one line each. */
import { specsOf, tableOf } from '../../actions/action-table.ts';
import type { Pkcs11Action } from './action.ts';
import { deleteKey } from './delete-key.ts';
import { expectRefusal } from './expect-refusal.ts';
import { exportKey } from './export-key.ts';
import { exportPublicKey } from './export-public-key.ts';
import { findKeys } from './find-keys.ts';
import { generateEcKeyPair } from './generate-ec-key-pair.ts';
import { generateKey } from './generate-key.ts';
import { generateRsaKeyPair } from './generate-rsa-key-pair.ts';
import { getAttributes } from './get-attributes.ts';
import { importKey } from './import-key.ts';
import { importPublicKey } from './import-public-key.ts';
import { requireAttribute } from './require-attribute.ts';
import { setAttribute } from './set-attribute.ts';
import { unwrapKey } from './unwrap-key.ts';
import { wrapKey } from './wrap-key.ts';

const ALL: readonly Pkcs11Action[] = [
  findKeys,
  requireAttribute,
  getAttributes,
  generateKey,
  generateRsaKeyPair,
  generateEcKeyPair,
  exportPublicKey,
  importPublicKey,
  setAttribute,
  wrapKey,
  unwrapKey,
  deleteKey,
  expectRefusal,
  importKey,
  exportKey,
];

export const PKCS11_ACTIONS = tableOf(ALL);
export const PKCS11_ACTION_SPECS = specsOf(ALL);
