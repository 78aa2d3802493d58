/**
 * What `syncKey` and `syncUser` of the management tool do from one HSM to another (user guide, `cloudhsm_mgmt_util-syncKey`, `-syncUser`).
 * Between HSMs of one cluster only: clusters cloned from a backup are left out.
 */
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { HsmRefusal } from './cluster.ts';
import { handleOf, isOnNode, sharedWith } from './cluster-keys.ts';
import type { ClusterRecord, NodeRecord, UserRecord } from './cluster-record.ts';

interface Way {
  readonly from: NodeRecord;
  readonly to: NodeRecord;
}

/** The tool works with the credentials of one user on both HSMs. */
function checkCredentials({ from, to }: Way, me: UserRecord): void {
  if (from.id === to.id) throw new HsmRefusal('same-node', null, 'the destination is the HSM itself');
  const there = to.users.find(({ name, type }) => name === me.name && type === me.type);
  if (there?.passwordHash === me.passwordHash) return;
  throw new HsmRefusal('login-failed', null, `${me.name} is not known by this password on HSM ${to.id}`);
}

/** Throws HsmRefusal `key-of-session`, `key-present`, `login-failed`, `same-node`. */
export function copyKey(record: ClusterRecord, way: Way, me: UserRecord, key: SimulatedObject): void {
  const { from, to } = way;
  checkCredentials(way, me);
  if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key stays on its HSM');
  const handle = handleOf(key);
  if (isOnNode(record, to, handle)) throw new HsmRefusal('key-present', null, `HSM ${to.id} has the key ${handle}`);
  const holders = [...(record.presence[handle] ?? []), to.id];
  if (record.nodes.every(({ id }) => holders.includes(id))) delete record.presence[handle];
  else record.presence[handle] = holders;
  const sharers = sharedWith(from, handle);
  if (sharers.length > 0) to.sharing[handle] = [...sharers];
  const changes = from.attributes[handle];
  if (changes !== undefined) to.attributes[handle] = { ...changes };
}

/** Throws HsmRefusal `no-such-user`, `user-type`, `user-exists`, `login-failed`, `same-node`. */
export function copyUser(way: Way, me: UserRecord, userId: number): void {
  const { from, to } = way;
  checkCredentials(way, me);
  const user = from.users.find(({ id }) => id === userId);
  if (user === undefined) throw new HsmRefusal('no-such-user', 0xce, `there is no user ${userId} on HSM ${from.id}`);
  if (user.type === 'AU' || user.type === 'PRECO') {
    throw new HsmRefusal('user-type', null, `users of type ${user.type} are not synchronised`);
  }
  const name = user.name.toLowerCase();
  const there = to.users.filter((each) => each.id === userId || each.name.toLowerCase() === name);
  if (there.some((each) => each.id !== userId || each.name.toLowerCase() !== name)) {
    throw new HsmRefusal('user-exists', null, `HSM ${to.id} has another user of that id or name`);
  }
  const failures = there[0]?.passwordHash === user.passwordHash ? (there[0]?.failures ?? 0) : 0;
  to.users = [...to.users.filter(({ id }) => id !== userId), { ...user, failures }].sort((a, b) => a.id - b.id);
  to.nextUserId = Math.max(to.nextUserId, userId + 1);
}
