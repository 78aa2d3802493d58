/** The PKCS#11 module of a simulated partition or HA group: a device of the devices file, or one that lives as long as the console. */
import { lunaClassicSimulator } from '../../adapters/luna-classic/simulator/driver.ts';
import type { Cryptoki } from '../../adapters/pkcs11/cryptoki.ts';
import { openSimulatedModule } from '../../adapters/pkcs11/simulated-driver.ts';
import type { ConsoleDevice } from '../console-device.ts';

export interface OpenedClassic {
  /** Initialised. */
  readonly module: Cryptoki;
  /** In words. */
  readonly over: string;
  /** May be called twice. */
  close(): Promise<void>;
}

/** null: one partition in memory. Rejects with `simulator-state` and the like. */
export async function openClassicOf(device: ConsoleDevice | null): Promise<OpenedClassic> {
  const settings = device?.settings ?? { name: 'classic', values: {} };
  const sourced = await openSimulatedModule(settings, device?.pin, lunaClassicSimulator(settings.values));
  const { module } = sourced;
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= sourced.close();
    return closing;
  };
  try {
    module.C_Initialize();
    const slots = module.C_GetSlotList(true).length;
    return {
      module,
      over: slots === 1 ? 'a Classic partition' : `an HA group of ${slots - 1} Classic partitions`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
