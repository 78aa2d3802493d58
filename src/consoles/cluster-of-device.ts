/** The simulated cluster that a console runs over: a device of the devices file, or one that lives as long as the console. */
import type { DeviceSettings } from '../adapters/adapter.ts';
import { HsmRefusal, type SimulatedCluster } from '../adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../adapters/cloudhsm/cluster/open-cluster.ts';
import { clusterOptions, isCluster } from '../adapters/cloudhsm/cluster/settings.ts';
import { HSM_TYPES } from '../adapters/cloudhsm/simulator/personality.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Secret } from '../keys/secret.ts';

const ADAPTER = 'cloudhsm';

/** Can a console run over this device? */
export const isConsoleDevice = (settings: DeviceSettings): boolean =>
  settings.adapter === ADAPTER && settings.driver === 'simulated' && isCluster(settings.values);

/** Rejects with `not-simulated`; `usage` for a device that is no cluster. */
export function requireConsoleDevice(settings: DeviceSettings): void {
  const { name, adapter, driver } = settings;
  if (driver !== 'simulated') {
    throw new KeyferryError('not-simulated', `Device "${name}" is real (driver ${driver}); it was not opened.`, {
      hint: "For a real device use the vendor's own tool.",
    });
  }
  if (isConsoleDevice(settings)) return;
  throw new KeyferryError(
    'usage',
    `Device "${name}" (${adapter}) is no simulated cluster; the consoles run over a cluster of ${ADAPTER}.`,
    { hint: 'Give the device nodes: 2 in the devices file.' },
  );
}

export interface ConsoleDevice {
  readonly settings: DeviceSettings;
  /** Of the crypto user; undefined where the devices file has none. */
  readonly pin: Secret | undefined;
}

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
