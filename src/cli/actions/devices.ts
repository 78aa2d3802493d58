/** `devices`: opens every device of the devices file and says what it is, what it can do, or why it cannot be used. */

import { loadDevicesFile } from '../../devices/devices-file.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import { namedDevice } from '../named-device.ts';
import { deviceOpener, openDevices } from '../open-devices.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import type { DeviceLine } from '../views/devices-view.ts';
import { devicesView } from '../views/devices-view.ts';

/** More than any run uses, so that what is shown is the device's own limit. */
const SESSIONS = 64;

export async function devices(shell: Shell, names: readonly string[], options: CommonOptions): Promise<number> {
  const file = loadDevicesFile({ path: options.devices, adapters: await adaptersInFile(options.devices) });
  const wanted = names.length === 0 ? Object.values(file.devices) : names.map((name) => namedDevice(file, name));
  const open = await deviceOpener(shell, { options, sessions: SESSIONS });
  const lines = await Promise.all(
    wanted.map(async (settings): Promise<DeviceLine> => {
      try {
        const opened = await openDevices(shell, new Map([[settings.name, settings]]), open);
        const description = opened.devices.get(settings.name)?.description ?? null;
        await opened.close();
        return { settings, description, error: null };
      } catch (error) {
        if (!(error instanceof KeyferryError)) throw error;
        return { settings, description: null, error };
      }
    }),
  );
  await devicesView(createScreen(shell.io), options.json).show(lines);
  const exitCodes = lines.flatMap(({ error }) => (error === null ? [] : [error.exitCode]));
  return exitCodes.length === 0 ? 0 : Math.max(...exitCodes);
}
