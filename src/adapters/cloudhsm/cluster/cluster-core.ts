/** What the parts of a simulated cluster share. */
import type { IdentityStore } from '../attest/identity-store.ts';
import { HsmRefusal } from './cluster.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, nodeOf, takeDown } from './cluster-record.ts';
import type { ClusterStore } from './cluster-store.ts';

export interface ClusterCore {
  readonly store: ClusterStore;
  readonly keys: ClusterKeys;
  readonly identities: IdentityStore;
  /** Of every HSM. */
  readonly firmware: string;
  /** Node id → what its challenge is the SHA-256 of. They live as long as the process that asked. */
  readonly challenges: Map<number, Uint8Array>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A node that is up. Throws HsmRefusal `node-down`. */
export function upNode(record: ClusterRecord, nodeId: number): NodeRecord {
  const node = nodeOf(record, nodeId);
  if (node.isUp) return node;
  throw new HsmRefusal('node-down', null, `HSM ${node.id} (${node.address}) does not answer`);
}

/** Before every management call: a planned failure comes nearer, or comes. */
export function countCall(core: ClusterCore, nodeId: number): void {
  if (nodeOf(core.store.fresh(), nodeId).callsLeft === null) return;
  core.store.change((record) => {
    const node = nodeOf(record, nodeId);
    if (node.callsLeft === 0) takeDown(node);
    else if (node.callsLeft !== null) node.callsLeft -= 1;
  });
}
