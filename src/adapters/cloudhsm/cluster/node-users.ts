/** Users of one node: who they are, how they log in, who may make, delete and change whom. Types and limits: facts 2.9. */
import { isAlive } from '../../processes/process-mark.ts';
import { HsmRefusal, type HsmUser, type UserType } from './cluster.ts';
import { bornUser, type ClusterRecord, type NodeRecord, type UserRecord } from './cluster-record.ts';
import { checkPassword, checkUserName } from './passwords.ts';

/** Locked after more than five wrong passwords, counted on this HSM. */
const MAX_FAILURES = 5;

const MAX_USERS: Readonly<Record<ClusterRecord['hsmType'], number>> = {
  'hsm1.medium': 250,
  'hsm2m.medium': 1024,
  unlimited: Number.POSITIVE_INFINITY,
};

export const isLocked = (user: UserRecord): boolean => user.failures > MAX_FAILURES;

const hasSecondFactor = (key: UserRecord['secondFactor']): key is string => typeof key === 'string';

export function userView(user: UserRecord): HsmUser {
  const { id, name, type, failures, quorumKey, secondFactor } = user;
  return {
    ...{ id, name, type, hasQuorumKey: quorumKey !== null, hasSecondFactor: hasSecondFactor(secondFactor) },
    ...{ loginFailures: failures, isLocked: isLocked(user) },
  };
}

/** Names are not case-sensitive. The first officer (PCO) also goes by CO. */
export function findUser(node: NodeRecord, type: UserType, name: string): UserRecord {
  const wanted = name.toLowerCase();
  const user = node.users.find(
    (each) => each.name.toLowerCase() === wanted && (each.type === type || (type === 'CO' && each.type === 'PCO')),
  );
  if (user !== undefined) return user;
  throw new HsmRefusal('no-such-user', 0xce, `there is no ${type} ${name} on this HSM`);
}

/** Through a management tool; sessions of crypto users' libraries are not told to the HSMs here. */
export const isLoggedIn = (node: NodeRecord, user: UserRecord): boolean =>
  node.sessions.some((session) => session.userId === user.id && isAlive(session.process));

/** Counts; a second factor only after the password. Gives the refusal instead of throwing it, since the count must be kept. */
export function tryLogin(
  node: NodeRecord,
  login: { readonly type: UserType; readonly name: string; readonly hash: string },
  hasSigned: (publicKey: string) => boolean = () => false,
): UserRecord | HsmRefusal {
  const { type, name, hash } = login;
  let user: UserRecord;
  try {
    user = findUser(node, type, name);
  } catch (error) {
    if (error instanceof HsmRefusal) return error;
    throw error;
  }
  if (isLocked(user)) return new HsmRefusal('user-locked', null, `${user.name} is locked on this HSM`);
  if (user.passwordHash === null || user.passwordHash !== hash) {
    user.failures += 1;
    return new HsmRefusal('login-failed', null, `the password of ${user.name} is wrong`);
  }
  const { secondFactor } = user;
  if (hasSecondFactor(secondFactor) && !hasSigned(secondFactor)) {
    return new HsmRefusal(
      'second-factor',
      null,
      `${user.name} logs in with a second factor, and that is missing or wrong`,
    );
  }
  user.failures = 0;
  return user;
}

export interface NewUser {
  readonly name: string;
  readonly type: 'CO' | 'CU';
  readonly password: string;
}

/** Before anything is spent on it. Throws HsmRefusal `user-name`, `password-length`, `user-exists`, `user-limit`. */
export function checkNewUser(record: ClusterRecord, node: NodeRecord, user: NewUser): void {
  checkUserName(user.name);
  checkPassword(user.password);
  const name = user.name.toLowerCase();
  if (node.users.some((each) => each.name.toLowerCase() === name)) {
    throw new HsmRefusal('user-exists', null, `there is a user ${user.name} on this HSM`);
  }
  if (node.users.length >= MAX_USERS[record.hsmType]) {
    throw new HsmRefusal('user-limit', null, `the HSM has no room for more than ${MAX_USERS[record.hsmType]} users`);
  }
}

export function addUser(node: NodeRecord, user: NewUser, hash: string): UserRecord {
  const added = bornUser(node.nextUserId, user, hash);
  node.nextUserId += 1;
  node.users.push(added);
  return added;
}

/** Shares with the user end with it, and so do its quorum tokens: another user of that name must not have them. */
export function removeUser(node: NodeRecord, user: UserRecord): void {
  node.users = node.users.filter(({ id }) => id !== user.id);
  node.sessions = node.sessions.filter(({ userId }) => userId !== user.id);
  node.tokens = node.tokens.filter((token) => token.user !== user.name);
  for (const [handle, users] of Object.entries(node.sharing)) {
    const rest = users.filter((id) => id !== user.id);
    if (rest.length > 0) node.sharing[handle] = rest;
    else delete node.sharing[handle];
  }
}
