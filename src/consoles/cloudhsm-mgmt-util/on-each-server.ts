/** A question to every server; one that refuses is told and the next is asked. */
import { type HsmNode, HsmRefusal } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { type CmuSession, failureText, serverName } from './cmu-session.ts';

/** `show` prints what one server answers. Gives whether all of them did. */
export function onEachServer(cmu: CmuSession, command: string, show: (node: HsmNode) => void): boolean {
  let isWhole = true;
  for (const node of cmu.servers) {
    try {
      show(node);
    } catch (error) {
      if (!(error instanceof HsmRefusal)) throw error;
      isWhole = false;
      cmu.line(`${command} failed: ${failureText(error)}`);
      cmu.line(`${command} failed on ${serverName(node)}`);
    }
  }
  return isWhole;
}
