/** `devices`: opens every device of the devices file and says what it is, what it can do, or why it cannot be used. */
import type { Command } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';
import type { DeviceLine } from './views/devices-view.ts';

export function registerDevices(program: Command, shell: Shell): void {
  program
    .command('devices')
    .summary('show the devices: reachable, firmware, capacity, what they can do')
    .description(
      'Logs in to the devices of the devices file and shows what each is and can do. Exit code 7 when one cannot be used.',
    )
    .argument('[NAME...]', 'only these devices')
    .addHelpText('after', example('keyferry devices', 'keyferry devices --devices lab.yaml --json'))
    .action(async (names: readonly string[], _own: unknown, command: Command) => {
      shell.exitCode = await devices(shell, names, optionsOf(command));
    });
}

async function devices(shell: Shell, names: readonly string[], options: CommonOptions): Promise<number> {
  const [
    { loadDevicesFile },
    { ADAPTERS },
    { deviceOpener, openDevices },
    { devicesView },
    { createScreen },
    { namedDevice },
  ] = await Promise.all([
    import('../devices/devices-file.ts'),
    import('../adapters/registry.ts'),
    import('./open-devices.ts'),
    import('./views/devices-view.ts'),
    import('./screen.ts'),
    import('./named-device.ts'),
  ]);
  const file = loadDevicesFile({ path: options.devices, adapters: ADAPTERS });
  const wanted = names.length === 0 ? Object.values(file.devices) : names.map((name) => namedDevice(file, name));
  const open = await deviceOpener(shell, { options, sessions: 1 });
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
