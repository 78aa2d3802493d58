/** The command line of `init`: arguments, options, help. What is done stands in actions/init.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerInit(program: Command, shell: Shell): void {
  program
    .command('init')
    .summary('write a starter devices file and playbook')
    .description(
      'Writes a commented devices file (simulated devices, with an example of real ones) and a playbook. Overwrites nothing.',
    )
    .argument('[DIR]', 'where to', '.')
    .addHelpText('after', example('keyferry init migration', 'cd migration', 'keyferry devices'))
    .action(async (dir: string, _own: unknown, command: Command) => {
      const { init } = await import('./actions/init.ts');
      shell.exitCode = await init(shell, dir, optionsOf(command));
    });
}
