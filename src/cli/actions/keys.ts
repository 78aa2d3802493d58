/** `keys`: a device's inventory. Fingerprints nothing; a KCV uses each key once. */

import { loadDevicesFile } from '../../devices/devices-file.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import { keyScope } from '../../plan/key-scope.ts';
import { compileKeyCondition } from '../../playbook/key-condition.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import { namedDevice } from '../named-device.ts';
import { deviceOpener, openDevices } from '../open-devices.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { keysView } from '../views/keys-view.ts';

export interface KeysOptions {
  readonly where?: string;
  readonly kcv: boolean;
}

export async function keys(shell: Shell, name: string, options: CommonOptions & KeysOptions): Promise<number> {
  const settings = namedDevice(
    loadDevicesFile({ path: options.devices, adapters: await adaptersInFile(options.devices) }),
    name,
  );
  const condition = options.where === undefined ? null : compileKeyCondition(options.where);
  const isWanted = (record: KeyRecord): boolean => condition === null || condition(keyScope(record, name));
  const open = await deviceOpener(shell, { options, sessions: 4 });
  const { devices, close } = await openDevices(shell, new Map([[name, settings]]), open);
  try {
    const device = devices.get(name)?.device;
    if (device === undefined) throw new Error(`device "${name}" was opened and is not there`);
    async function* wanted(batches: AsyncIterable<readonly KeyRecord[]>): AsyncIterable<KeyRecord> {
      for await (const batch of batches) yield* batch.filter(isWanted);
    }
    await keysView(createScreen(shell.io), options.json).show(wanted(device.inventory({ kcv: options.kcv })));
    return 0;
  } finally {
    await close();
  }
}
