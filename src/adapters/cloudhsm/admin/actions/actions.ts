/** The actions of a cluster's administration, one line each. */
import { specsOf, tableOf } from '../../../actions/action-table.ts';
import type { AdminAction } from './action.ts';
import { approveQuorumToken } from './approve-quorum-token.ts';
import { attest } from './attest.ts';
import { changePassword } from './change-password.ts';
import { createUser } from './create-user.ts';
import { deleteUser } from './delete-user.ts';
import { getQuorumToken, listQuorumTokens } from './get-quorum-token.ts';
import { keyInfo } from './key-info.ts';
import { listUsers } from './list-users.ts';
import { registerQuorumKey, setQuorumValue } from './quorum-values.ts';
import { setAttribute } from './set-attribute.ts';
import { shareKey, unshareKey } from './share-key.ts';
import { syncCheck, syncRepair } from './sync-check.ts';

const ALL: readonly AdminAction[] = [
  listUsers,
  createUser,
  deleteUser,
  changePassword,
  keyInfo,
  shareKey,
  unshareKey,
  setAttribute,
  attest,
  getQuorumToken,
  approveQuorumToken,
  listQuorumTokens,
  setQuorumValue,
  registerQuorumKey,
  syncCheck,
  syncRepair,
];

export const ADMIN_ACTIONS = tableOf(ALL);
export const ADMIN_ACTION_SPECS = specsOf(ALL);
