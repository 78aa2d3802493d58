/** The actions of AWS KMS, one line each. There is no delete-key: on other devices that means gone at once. */
import { specsOf, tableOf } from '../../actions/action-table.ts';
import type { KmsAction } from './action.ts';
import { checkEnvelopeUse } from './check-envelope-use.ts';
import { checkUsable } from './check-usable.ts';
import { confirmClearMaterial, confirmMaterial } from './confirm-material.ts';
import { createAlias } from './create-alias.ts';
import { createKey } from './create-key.ts';
import { deleteAlias } from './delete-alias.ts';
import { deleteImportedMaterial } from './delete-imported-material.ts';
import { describeKmsKey } from './describe-key.ts';
import { disableKey, enableKey } from './enable-key.ts';
import { findKey } from './find-key.ts';
import { findKeys } from './find-keys.ts';
import { getAttributes } from './get-attributes.ts';
import { getImportParameters } from './get-import-parameters.ts';
import { getPublicKey } from './get-public-key.ts';
import { importClearMaterial } from './import-clear-material.ts';
import { importKeyMaterial } from './import-key-material.ts';
import { pointAlias } from './point-alias.ts';
import { refuseOtherMaterial } from './refuse-other-material.ts';
import { requireAttribute } from './require-attribute.ts';
import { restoreAlias } from './restore-alias.ts';
import { scheduleDeletion } from './schedule-deletion.ts';

const ALL: readonly KmsAction[] = [
  findKeys,
  findKey,
  requireAttribute,
  getAttributes,
  describeKmsKey,
  getPublicKey,
  createKey,
  getImportParameters,
  importKeyMaterial,
  importClearMaterial,
  confirmMaterial,
  confirmClearMaterial,
  refuseOtherMaterial,
  checkUsable,
  checkEnvelopeUse,
  createAlias,
  pointAlias,
  restoreAlias,
  deleteAlias,
  enableKey,
  disableKey,
  deleteImportedMaterial,
  scheduleDeletion,
];

export const KMS_ACTIONS = tableOf(ALL);
export const KMS_ACTION_SPECS = specsOf(ALL);
