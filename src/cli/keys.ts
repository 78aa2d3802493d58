/** The command line of `keys`: arguments, options, help. What is done stands in actions/keys.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { KeysOptions } from './actions/keys.ts';
import { example, optionsOf, type Shell } from './shell.ts';

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
      const { keys } = await import('./actions/keys.ts');
      shell.exitCode = await keys(shell, device, optionsOf<KeysOptions>(command));
    });
}
