/** The command line of `demo`: arguments, options, help. What is done stands in actions/demo.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { DemoOptions } from './actions/demo.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerDemo(program: Command, shell: Shell): void {
  program
    .command('demo')
    .summary('a guided migration on simulated devices')
    .description(
      'Makes a folder with a devices file and a playbook, fills a simulated HSM with keys, and moves them to another one: plan, run, verify.\n' +
        'Prints the command for each step. No real device is touched.',
    )
    .option('-y, --yes', 'do not ask', false)
    .option('--dir <DIR>', 'the folder to make; a number is added when there is one already', 'keyferry-demo')
    .addHelpText('after', example('keyferry demo --yes'))
    .action(async (_own: unknown, command: Command) => {
      const { demo } = await import('./actions/demo.ts');
      shell.exitCode = await demo(shell, optionsOf<DemoOptions>(command));
    });
}
