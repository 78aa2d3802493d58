/** The simulated cluster that a console runs over: a device of the devices file, or one that lives as long as the console. */
import { HsmRefusal, type SimulatedCluster } from '../adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../adapters/cloudhsm/cluster/open-cluster.ts';
import { clusterOptions, isCluster } from '../adapters/cloudhsm/cluster/settings.ts';
import { HSM_TYPES } from '../adapters/cloudhsm/simulator/personality.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { ConsoleDevice, ConsoleGround } from './console-device.ts';

export const CLUSTER_GROUND: ConsoleGround = {
  one: 'a simulated cluster',
  several: 'simulated clusters',
  hint: 'Give a device of adapter cloudhsm and driver simulated nodes: 2 in the devices file.',
  fits: ({ adapter, driver, values }) => adapter === 'cloudhsm' && driver === 'simulated' && isCluster(values),
};

/** null: in memory, two HSMs. Rejects with `simulator-state` and the like. */
export async function openClusterOf(device: ConsoleDevice | null): Promise<SimulatedCluster> {
  const values = device?.settings.values ?? { nodes: 2 };
  const hsmType = HSM_TYPES.find((type) => type === values['hsm-type']) ?? 'hsm2m.medium';
  try {
    return await openCluster(clusterOptions(values, { hsmType, pin: device?.pin?.reveal() }));
  } catch (cause) {
    if (!(cause instanceof HsmRefusal)) throw cause;
    throw new KeyferryError('devices-invalid', `The simulated cluster cannot be opened: ${cause.message}.`, { cause });
  }
}
