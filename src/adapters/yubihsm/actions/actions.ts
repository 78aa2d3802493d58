/** The actions of a YubiHSM, one line each. Those under Yubico's names beside a general one are the same action. */
import { specsOf, tableOf } from '../../actions/action-table.ts';
import type { YubiHsmAction } from './action.ts';
import { attest } from './attest.ts';
import { deleteKey, deleteObject } from './delete-key.ts';
import { deviceInfo, findObjects } from './device-info.ts';
import { exportKey } from './export-key.ts';
import { generateKey } from './generate-key.ts';
import { generateEcKeyPair, generateRsaKeyPair } from './generate-pair.ts';
import { getRandom } from './get-random.ts';
import { importKey, putSymmetricKey } from './import-key.ts';
import { importRsaWrapped, importWrapped } from './import-wrapped.ts';
import { exportPublicKey, findKeys, getAttributes, getPublicKey, requireAttribute } from './looking.ts';
import { getOpaque, putOpaque } from './opaque.ts';
import { importPublicKey, putPublicWrapKey } from './put-public-wrap-key.ts';
import { putWrapKey } from './put-wrap-key.ts';
import { acknowledgeLog, readLog } from './read-log.ts';
import { unwrapKey } from './unwrap-key.ts';
import { exportRsaWrapped, exportWrapped, wrapKey } from './wrap-key.ts';

const ALL: readonly YubiHsmAction[] = [
  deviceInfo,
  findKeys,
  findObjects,
  requireAttribute,
  getAttributes,
  generateKey,
  generateRsaKeyPair,
  generateEcKeyPair,
  exportPublicKey,
  getPublicKey,
  importPublicKey,
  putPublicWrapKey,
  putWrapKey,
  wrapKey,
  exportWrapped,
  exportRsaWrapped,
  unwrapKey,
  importWrapped,
  importRsaWrapped,
  importKey,
  putSymmetricKey,
  exportKey,
  putOpaque,
  getOpaque,
  getRandom,
  attest,
  readLog,
  acknowledgeLog,
  deleteKey,
  deleteObject,
];

export const YUBIHSM_ACTIONS = tableOf(ALL);
export const YUBIHSM_ACTION_SPECS = specsOf(ALL);
