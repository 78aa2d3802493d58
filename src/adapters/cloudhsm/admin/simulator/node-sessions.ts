/**
 * One command of the simulated tool on every HSM that is up: logs in on each, works on each in the order of the servers, logs out. As with
 * the real cluster nothing takes back what earlier HSMs did when a later one refuses.
 */
import type { HsmNode, NodeSession, SimulatedCluster, UserType } from '../../cluster/cluster.ts';
import { HsmRefusal } from '../../cluster/cluster.ts';
import type { ToolLogin } from '../admin-tool.ts';

export interface NodeWork {
  readonly node: HsmNode;
  readonly session: NodeSession;
}

export const upNodes = (cluster: SimulatedCluster): readonly HsmNode[] => {
  const up = cluster.nodes.filter((node) => node.isUp);
  if (up.length === 0) throw new HsmRefusal('node-down', null, 'no HSM of the cluster is up');
  return up;
};

/** Throws HsmRefusal. */
export function onEveryNode<T>(
  cluster: SimulatedCluster,
  login: ToolLogin | null,
  work: (nodes: readonly NodeWork[]) => T,
): T {
  if (login === null) throw new HsmRefusal('not-logged-in', null, 'the command needs a login');
  const pin = login.pin.reveal();
  const colon = pin.indexOf(':');
  const name = pin.slice(0, Math.max(colon, 0));
  const password = pin.slice(colon + 1);
  const nodes: NodeWork[] = [];
  try {
    for (const node of upNodes(cluster)) {
      nodes.push({ node, session: node.login(typeOf(node, login.role, name), name, password, 'sdk5') });
    }
    return work(nodes);
  } finally {
    for (const each of nodes) leave(each);
  }
}

/** The first officer of a cluster is PCO (PRECO before activation), the others CO: all of them are `admin` to the tool. */
function typeOf(node: HsmNode, role: ToolLogin['role'], name: string): UserType {
  if (role === 'crypto-user') return 'CU';
  const user = node
    .users()
    .find((each) => each.name.toLowerCase() === name.toLowerCase() && each.type !== 'CU' && each.type !== 'AU');
  return user?.type ?? 'CO';
}

/** An HSM that went down meanwhile has ended the session by itself. */
function leave({ session }: NodeWork): void {
  try {
    session.logout();
  } catch (error) {
    if (!(error instanceof HsmRefusal)) throw error;
  }
}
