/** What one HSM says of all its keys: whose they are, and a digest over that (user guide, `cloudhsm_mgmt_util-findAllKeys`). */
import { createHash } from 'node:crypto';
import { type ClusterKeys, ownerOf, sharedWith } from './cluster-keys.ts';
import type { ClusterRecord, NodeRecord } from './cluster-record.ts';

export interface ListedKey {
  readonly handle: number;
  readonly isOwned: boolean;
}

/** Ascending by handle. */
export function keysOfUser(keys: ClusterKeys, record: ClusterRecord, node: NodeRecord, userId: number): ListedKey[] {
  const found: ListedKey[] = [];
  for (const { handle, object } of keys.onNode(record, node)) {
    const isOwned = ownerOf(object) === userId;
    if (isOwned || sharedWith(node, handle).includes(userId)) found.push({ handle, isOwned });
  }
  return found;
}

/** Hex, over ownership and sharing. */
export function ownershipHash(keys: ClusterKeys, record: ClusterRecord, node: NodeRecord): string {
  const hash = createHash('sha256');
  for (const { handle, object } of keys.onNode(record, node)) {
    hash.update(`${handle}:${ownerOf(object)}:${[...sharedWith(node, handle)].sort((a, b) => a - b).join(',')};`);
  }
  return hash.digest('hex');
}
