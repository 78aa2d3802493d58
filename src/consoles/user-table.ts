/** The table of users that listUsers of both tools prints; columns as wide as the vendor's. */
import type { HsmUser } from '../adapters/cloudhsm/cluster/cluster.ts';

const HEADER = `    ${'User Id'.padEnd(20)}${'User Type'.padEnd(16)}${'User Name'.padEnd(35)}MofnPubKey    LoginFailureCnt         2FA`;

export const CMU_USER_HEADER = HEADER;
export const KMU_USER_HEADER = `    ${'Index'.padEnd(12)}${'User ID'.padEnd(16)}${'User Type'.padEnd(16)}${'User Name'.padEnd(35)}MofnPubKey    LoginFailureCnt         2FA`;

function afterId(user: HsmUser): string {
  return [
    user.type.padEnd(16),
    user.name.padEnd(30),
    (user.hasQuorumKey ? 'YES' : 'NO').padStart(13),
    String(user.loginFailures).padStart(16),
    (user.hasSecondFactor ? 'YES' : 'NO').padStart(17),
  ].join('');
}

export const cmuUserRow = (user: HsmUser): string => `${String(user.id).padStart(10)}${' '.repeat(14)}${afterId(user)}`;

export const kmuUserRow = (user: HsmUser, index: number): string =>
  `${String(index).padStart(10)}${String(user.id).padStart(14)}${' '.repeat(8)}${afterId(user)}`;
