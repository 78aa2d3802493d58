/** `simulator serve yubihsm`: from the command's options to a connector on a port. */
import { serveConnector } from '../adapters/yubihsm/simulator/connector-server.ts';
import { FIRMWARE_LEVELS, type FirmwareLevel } from '../adapters/yubihsm/simulator/firmware.ts';
import { openSimulatedYubiHsm } from '../adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Served, ServeRequest } from './served.ts';

const DEFAULT_LEVEL: FirmwareLevel = '2.4';

export async function serveSimulatedYubiHsm({ port, stateDir, options }: ServeRequest): Promise<Served> {
  const firmware = firmwareLevel(options.firmware ?? DEFAULT_LEVEL);
  const device = await openSimulatedYubiHsm({ stateDir, firmware });
  try {
    const connector = await serveConnector(device, { port });
    return {
      facts: { url: connector.url, serial: device.serial, firmware },
      note: `Simulated: YubiHSM 2 ${device.serial}, firmware ${firmware}. Keys in it are not protected.`,
      close: async () => {
        await connector.close();
        await device.close();
      },
    };
  } catch (error) {
    await device.close();
    throw error;
  }
}

function firmwareLevel(text: string): FirmwareLevel {
  const level = FIRMWARE_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw new KeyferryError('usage', `"${text}" is no firmware that is simulated: ${FIRMWARE_LEVELS.join(', ')}.`);
}
