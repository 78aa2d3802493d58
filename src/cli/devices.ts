/** The command line of `devices`: arguments, options, help. What is done stands in actions/devices.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { example, optionsOf, type Shell } from './shell.ts';

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
      const { devices } = await import('./actions/devices.ts');
      shell.exitCode = await devices(shell, names, optionsOf(command));
    });
}
