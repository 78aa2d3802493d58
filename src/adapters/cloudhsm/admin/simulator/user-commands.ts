/** `user …` of the simulated tool. Answers: user guide, `cloudhsm_cli-user-*`. */
import type { HsmUser, SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { onEveryNode, upNodes } from './node-sessions.ts';
import { approveOn, readApproval } from './quorum-file.ts';
import { given, required, requiredRole, type ToolWords, usage } from './tool-words.ts';

export const roleName = (type: HsmUser['type']): string => {
  if (type === 'CU') return 'crypto-user';
  return type === 'AU' ? 'internal(APPLIANCE_USER)' : 'admin';
};

/** One value when all HSMs say the same. */
export function agreed<T>(values: readonly T[]): T | 'inconsistent' {
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? first : 'inconsistent';
}

const factors = (isThere: boolean | 'inconsistent'): unknown[] =>
  isThere === false ? [] : [{ strategy: 'token-sign', status: isThere === true ? 'enabled' : 'inconsistent' }];

export function listUsers(cluster: SimulatedCluster): unknown {
  const nodes = upNodes(cluster).map((node) => node.users());
  const names = [...new Set(nodes.flat().map((user) => user.name.toLowerCase()))];
  return {
    users: names.map((name) => {
      const found = nodes.flatMap((users) => users.filter((user) => user.name.toLowerCase() === name));
      const quorum = agreed(found.map((user) => user.hasQuorumKey));
      return {
        username: name,
        role: agreed(found.map((user) => roleName(user.type))),
        locked: agreed(found.map((user) => String(user.isLocked))),
        mfa: factors(agreed(found.map((user) => user.hasSecondFactor))),
        quorum: factors(quorum),
        'cluster-coverage': found.length === nodes.length ? 'full' : 'inconsistent',
      };
    }),
  };
}

function newPassword(words: ToolWords, options: ToolOptions): string {
  if (options.newPassword !== undefined) return options.newPassword.reveal();
  throw usage(`${words.command}: no new password was typed at the prompt`);
}

export function createUser(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const name = required(words, 'username').toLowerCase();
  const type = requiredRole(words);
  const password = newPassword(words, options);
  const approval = readApproval(given(words, 'approval'));
  onEveryNode(cluster, options.login, (nodes) => {
    for (const each of nodes) {
      approveOn(each, approval);
      each.session.createUser(type, name, password);
    }
  });
  return { username: name, role: roleName(type) };
}

export function deleteUser(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const name = required(words, 'username').toLowerCase();
  const type = requiredRole(words);
  const approval = readApproval(given(words, 'approval'));
  onEveryNode(cluster, options.login, (nodes) => {
    for (const each of nodes) {
      approveOn(each, approval);
      each.session.deleteUser(type, name);
    }
  });
  return { username: name, role: roleName(type) };
}

export function changePassword(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const name = required(words, 'username').toLowerCase();
  const type = requiredRole(words);
  const password = newPassword(words, options);
  const approval = readApproval(given(words, 'approval'));
  onEveryNode(cluster, options.login, (nodes) => {
    for (const each of nodes) {
      approveOn(each, approval);
      each.session.changePassword(type, name, password);
    }
  });
  return { username: name, role: roleName(type) };
}
