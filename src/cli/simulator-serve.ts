/** The command line of `simulator serve`: tool, options, help. What is done stands in actions/simulator-serve.ts, loaded when it is asked for. */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { SERVED_SIMULATORS } from '../simulators/served.ts';
import type { ServeOptions } from './actions/simulator-serve.ts';
import { example, optionsOf, type Shell } from './shell.ts';

const NAMES = Object.keys(SERVED_SIMULATORS);
const [FIRST = ''] = NAMES;

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('Give a number from 0 to 65535.');
  return Number(text);
}

export function registerSimulatorServe(simulator: Command, shell: Shell): void {
  simulator
    .command('serve')
    .summary("serve a simulated device on a loopback port, for the vendor's own clients")
    .description(
      `Serves a simulated device on 127.0.0.1 until Ctrl-C or SIGTERM:\n${Object.entries(SERVED_SIMULATORS)
        .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
        .join('\n')}\nPrints one line of JSON with its url when it is ready.`,
    )
    .addArgument(new Argument('<TOOL>', 'what to serve').choices(NAMES))
    .option('--port <N>', 'the port; 0 for a free one', portNumber, 0)
    .option('--state <DIR>', 'where its keys are kept, IN CLEAR TEXT; without it they are gone at the end')
    .option('--region <REGION>', 'the region it stands for (eu-west-1 unless given)')
    .addOption(
      new Option('--signatures <MODE>', 'how signatures of requests are checked (format unless given)').choices([
        'off',
        'format',
        'full',
      ]),
    )
    .option('--firmware <LEVEL>', 'the firmware it has, like 2.4 (the default)')
    .addHelpText('after', example(`keyferry simulator serve ${FIRST} --port 8000 --state .keyferry/served`))
    .action(async (name: string, _own: unknown, command: Command) => {
      const { simulatorServe } = await import('./actions/simulator-serve.ts');
      shell.exitCode = await simulatorServe(shell, name, optionsOf<ServeOptions>(command));
    });
}
