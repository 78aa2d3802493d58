/** Whether the HSMs of a simulated cluster agree, in words for people. A real cluster is looked at through the tool instead. */
import type { Divergence, SimulatedCluster } from '../cluster/cluster.ts';
import { HsmRefusal } from '../cluster/cluster.ts';
import type { NodeAgreement } from './administration.ts';

export const clusterAgreement = (cluster: SimulatedCluster): NodeAgreement => ({
  check: () => cluster.syncCheck().map(inWords),
  down: () => cluster.nodes.filter((node) => !node.isUp).map(({ id }) => id),
  repair: (id) => {
    const from = cluster.nodes.find((node) => (id === null ? node.isUp : node.id === id));
    if (from === undefined) throw new HsmRefusal('no-such-node', null, `the cluster has no HSM ${id ?? 'that is up'}`);
    return cluster.repair(from).map(inWords);
  },
});

/** `sharing of key 786433: HSM 3 shared with 7, HSM 4 shared with nobody`. */
function inWords({ what, subject, nodes }: Divergence): string {
  const said = Object.entries(nodes).map(([id, words]) => `HSM ${id} ${words}`);
  return `${what === 'node' ? 'HSM' : `${what} of`} ${subject}: ${said.join(', ')}`;
}
