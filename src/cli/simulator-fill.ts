/** The command line of `simulator fill`: arguments, options, help. What is done stands in actions/simulator-fill.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { FillOptions } from './actions/simulator-fill.ts';
import { example, optionsOf, type Shell, share, wholeNumber } from './shell.ts';
import { registerSimulatorServe } from './simulator-serve.ts';

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
      const { simulatorFill } = await import('./actions/simulator-fill.ts');
      shell.exitCode = await simulatorFill(shell, device, optionsOf<FillOptions>(command));
    });
  registerSimulatorServe(simulator, shell);
}
