/** `simulator fill`: makes keys on a simulated device through its own functions. Refused on a real one. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { DeviceSettings, FillRequest } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell, share, wholeNumber } from './shell.ts';

interface FillOptions {
  readonly count: number;
  readonly type: FillRequest['type'];
  readonly prefix: string;
  readonly nonextractableShare: number;
}

export function registerSimulator(program: Command, shell: Shell): void {
  const simulator = program
    .command('simulator')
    .summary('work on simulated devices')
    .description('Works on simulated devices; refuses real ones.');
  simulator
    .command('fill')
    .summary('generate keys on a simulated device')
    .description("Generates keys on a simulated device, through the device's own functions.")
    .argument('<DEVICE>', 'name in the devices file; its driver must be simulated')
    .requiredOption('--count <N>', 'how many keys', wholeNumber)
    .addOption(
      new Option('--type <TYPE>', 'type of the keys')
        .choices(['aes-128', 'aes-192', 'aes-256', 'des3'])
        .default('aes-256'),
    )
    .option('--prefix <TEXT>', 'labels are this and a number', 'key-')
    .option('--nonextractable-share <F>', 'share of the keys that may not leave the device, 0 to 1', share, 0)
    .addHelpText(
      'after',
      example('keyferry simulator fill classic --count 100 --prefix payments- --nonextractable-share 0.2'),
    )
    .action(async (device: string, _own: unknown, command: Command) => {
      shell.exitCode = await simulatorFill(shell, device, optionsOf<FillOptions>(command));
    });
}

async function simulatorFill(shell: Shell, name: string, options: CommonOptions & FillOptions): Promise<number> {
  const [{ loadDevicesFile }, { ADAPTERS }, { namedDevice }] = await Promise.all([
    import('../devices/devices-file.ts'),
    import('../adapters/registry.ts'),
    import('./named-device.ts'),
  ]);
  const settings = namedDevice(loadDevicesFile({ path: options.devices, adapters: ADAPTERS }), name);
  const { count, type, prefix, nonextractableShare } = options;
  const made = await fillDevice(shell, options, { settings, request: { count, type, prefix, nonextractableShare } });
  await shell.io.stdout.write(
    options.json ? `${JSON.stringify({ device: name, made })}\n` : `Made ${made} keys on ${name}.\n`,
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
  const { deviceOpener, openDevices } = await import('./open-devices.ts');
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
