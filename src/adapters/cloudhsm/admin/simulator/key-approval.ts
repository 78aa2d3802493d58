/**
 * Signed quorum tokens for single keys, handed to every HSM before the key is used. The sentences are those that users of the tool report
 * (`Too few quorum approvals: …`); whatever else is wrong with a token the simulator says in its own words.
 */
import { HsmRefusal, type KeyService, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolLogin } from '../admin-tool.ts';
import { onEveryNode } from './node-sessions.ts';
import { approveOn, readApproval } from './quorum-file.ts';

export interface KeyApproval {
  readonly handle: number;
  readonly service: KeyService;
  /** Path of the signed token file; undefined: none was given. */
  readonly file: string | undefined;
}

/** Nothing to do where no file was given: then the key must want none. */
export function handInApprovals(
  cluster: SimulatedCluster,
  login: ToolLogin | null,
  approvals: readonly KeyApproval[],
): void {
  for (const { handle, service, file } of approvals) {
    const token = readApproval(file);
    if (token === null) continue;
    onEveryNode(cluster, login, (nodes) => {
      for (const each of nodes) approveOn(each, token);
      for (const { node, session } of nodes) {
        const mine = node
          .quorumTokens()
          .filter((held) => held.user === session.user.name && held.service === service && held.keyHandle === handle);
        const most = Math.max(0, ...mine.map(({ approvers }) => approvers.length));
        const required = mine[0]?.required ?? 0;
        if (most < required) {
          throw new HsmRefusal(
            'too-few-approvals',
            null,
            `Too few quorum approvals: currently ${most} approvals, but ${required} approvals required`,
          );
        }
      }
    });
  }
}
