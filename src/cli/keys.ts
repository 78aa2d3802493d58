/** `keys`: a device's inventory. Fingerprints nothing; a KCV uses each key once. */
import type { Command } from 'commander';
import type { KeyRecord } from '../keys/key-record.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

interface KeysOptions {
  readonly where?: string;
  readonly kcv: boolean;
}

export function registerKeys(program: Command, shell: Shell): void {
  program
    .command('keys')
    .summary("list a device's keys, and why each may or may not leave it")
    .description("Lists a device's keys: label, id, type, attributes, KCV, and whether each may leave the device.")
    .argument('<DEVICE>', 'name in the devices file')
    .option('-w, --where <CEL>', 'only keys for which this expression is true')
    .option('--no-kcv', 'compute no KCV, so that no key is used')
    .addHelpText(
      'after',
      example('keyferry keys classic', `keyferry keys classic --where 'key.type == "aes" && key.bits == 256'`),
    )
    .action(async (device: string, _own: unknown, command: Command) => {
      shell.exitCode = await keys(shell, device, optionsOf<KeysOptions>(command));
    });
}

async function keys(shell: Shell, name: string, options: CommonOptions & KeysOptions): Promise<number> {
  const [
    { loadDevicesFile },
    { ADAPTERS },
    { deviceOpener, openDevices },
    { keysView },
    { createScreen },
    { namedDevice },
    { keyFilter },
  ] = await Promise.all([
    import('../devices/devices-file.ts'),
    import('../adapters/registry.ts'),
    import('./open-devices.ts'),
    import('./views/keys-view.ts'),
    import('./screen.ts'),
    import('./named-device.ts'),
    import('./key-filter.ts'),
  ]);
  const settings = namedDevice(loadDevicesFile({ path: options.devices, adapters: ADAPTERS }), name);
  const isWanted = options.where === undefined ? () => true : keyFilter(options.where, settings);
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
