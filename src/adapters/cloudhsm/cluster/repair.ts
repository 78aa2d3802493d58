/**
 * Brings every other HSM that answers to what one of them says. Keys are copied, never deleted: a key that the model HSM lacks stays
 * where it is and is given back as not mended. Quorum tokens and the counts of wrong passwords stay each HSM's own.
 */
import type { Divergence } from './cluster.ts';
import { type ClusterCore, upNode } from './cluster-core.ts';
import type { NodeRecord, UserRecord } from './cluster-record.ts';
import { findDivergences } from './sync-check.ts';

/** Throws HsmRefusal `node-down` for a model that does not answer. */
export function repairFrom(core: ClusterCore, modelId: number): Divergence[] {
  core.store.change((record) => {
    const model = upNode(record, modelId);
    const others = record.nodes.filter((node) => node.isUp && node.id !== modelId);
    for (const node of others) copyTo(node, model);
    for (const [handle, holders] of Object.entries(record.presence)) {
      if (!holders.includes(modelId)) continue;
      const all = [...new Set([...holders, ...others.map(({ id }) => id)])];
      // A node that is down gets it when it is back, as any key.
      delete record.presence[handle];
      if (record.nodes.some(({ id, isUp }) => isUp && !all.includes(id))) record.presence[handle] = all;
    }
  });
  return findDivergences(core);
}

function copyTo(node: NodeRecord, model: NodeRecord): void {
  node.users = model.users.map((user) => ({ ...user, failures: failuresOf(node, user) }));
  node.nextUserId = Math.max(node.nextUserId, model.nextUserId);
  node.sessions = node.sessions.filter(({ userId }) => node.users.some(({ id }) => id === userId));
  node.sharing = structuredClone(model.sharing);
  node.attributes = structuredClone(model.attributes);
  node.mValues = { ...model.mValues };
}

/** A new password starts at nothing. */
function failuresOf(node: NodeRecord, user: UserRecord): number {
  const own = node.users.find(({ id, name }) => id === user.id && name === user.name);
  return own?.passwordHash === user.passwordHash ? own.failures : 0;
}
