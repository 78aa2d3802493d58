/** `simulator fill`: makes keys on a simulated device through its own functions. Refused on a real one. */

import type { DeviceSettings, FillRequest } from '../../adapters/adapter.ts';
import { loadDevicesFile } from '../../devices/devices-file.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import { namedDevice } from '../named-device.ts';
import { deviceOpener, openDevices } from '../open-devices.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { counted } from '../terminal/quantities.ts';

export interface FillOptions {
  readonly count: number;
  readonly type: FillRequest['type'];
  readonly prefix: string;
  readonly nonextractableShare: number;
}

export async function simulatorFill(shell: Shell, name: string, options: CommonOptions & FillOptions): Promise<number> {
  const settings = namedDevice(
    loadDevicesFile({ path: options.devices, adapters: await adaptersInFile(options.devices) }),
    name,
  );
  const { count, type, prefix, nonextractableShare } = options;
  const made = await fillDevice(shell, options, { settings, request: { count, type, prefix, nonextractableShare } });
  await shell.io.stdout.write(
    options.json ? `${JSON.stringify({ device: name, made })}\n` : `Made ${counted(made, 'key')} on ${name}.\n`,
  );
  return 0;
}

/** Rejects with `not-simulated` before a real device is opened. */
export async function fillDevice(
  shell: Shell,
  options: CommonOptions,
  { settings, request }: { readonly settings: DeviceSettings; readonly request: FillRequest },
): Promise<number> {
  const { name, driver } = settings;
  if (driver !== 'simulated') {
    throw new KeyferryError(
      'not-simulated',
      `Device "${name}" is real (driver ${driver}); it was not opened and nothing was changed.`,
    );
  }
  const open = await deviceOpener(shell, { options, sessions: 4 });
  const { devices, close } = await openDevices(shell, new Map([[name, settings]]), open);
  try {
    const device = devices.get(name)?.device;
    if (device?.fill === undefined)
      throw new KeyferryError('not-simulated', `Device "${name}" cannot be filled; nothing was changed.`);
    return await device.fill(request);
  } finally {
    await close();
  }
}
