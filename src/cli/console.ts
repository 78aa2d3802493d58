/** The command line of `console`: tool, options, help. What is done stands in actions/console.ts, loaded when it is asked for. */
import { Argument, type Command, Option } from 'commander';
import { EDITIONS, type EditionName } from '../consoles/edition.ts';
import { CONSOLE_TOOLS } from '../consoles/tools.ts';
import type { ConsoleRequest } from './actions/console.ts';
import { example, optionsOf, type Shell } from './shell.ts';

const TOOLS = Object.keys(CONSOLE_TOOLS);
const [FIRST = '', SECOND = ''] = TOOLS;

export function registerConsole(program: Command, shell: Shell): void {
  program
    .command('console')
    .summary("rehearse in a vendor's own command line, over a simulated device")
    .description(
      `Plays a vendor's command line over a simulated device, to rehearse a ceremony:\n${Object.entries(CONSOLE_TOOLS)
        .map(([name, { summary }]) => `  ${name.padEnd(20)} ${summary}`)
        .join('\n')}`,
    )
    .addArgument(new Argument('<TOOL>', 'the tool').choices(TOOLS))
    .argument('[COMMAND...]', 'after --: one command line, then the end')
    .option('--script <FILE>', 'read commands and answers from a file, - for stdin')
    .addOption(
      new Option('--edition <YEAR>', "print what the vendor's documents of that year print")
        .choices(Object.keys(EDITIONS))
        .default('2019'),
    )
    .addHelpText(
      'after',
      '\nWithout --device NAME it runs over the one simulated cluster (Classic partition) of the devices file, else over one in memory.\n',
    )
    .addHelpText(
      'after',
      example(
        `keyferry console ${SECOND}`,
        `keyferry console ${FIRST} --device lab --script ceremony.txt`,
        `keyferry console ${FIRST} -- singlecmd loginHSM -u CU -s crypto_user -p simulated-password findKey`,
      ),
    )
    .action(async (tool: string, words: readonly string[], _own: unknown, command: Command) => {
      const { openConsole } = await import('./actions/console.ts');
      const options = optionsOf<{ readonly script?: string; readonly edition: EditionName }>(command, 'device-name');
      const request: ConsoleRequest = {
        ...{ tool, words, edition: options.edition, script: options.script },
        isDevicesFileNamed: command.getOptionValueSourceWithGlobals('devices') === 'cli',
      };
      shell.exitCode = await openConsole(shell, options, request);
    });
}
