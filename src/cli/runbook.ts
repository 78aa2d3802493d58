/** The command line of `runbook`: arguments, options, help. What is done stands in actions/runbook.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { CONSOLE_TOOLS } from '../consoles/tools.ts';
import type { RunbookOptions } from './actions/runbook.ts';
import { example, optionsOf, type Shell, wholeNumber } from './shell.ts';

const [TOOL = ''] = Object.keys(CONSOLE_TOOLS);

export function registerRunbook(program: Command, shell: Shell): void {
  program
    .command('runbook')
    .summary("a plan as the vendors' own commands, for a ceremony by hand")
    .description(
      "Writes a plan as what people type into the vendors' own tools: part by part, with what to check. Needs no device and does nothing.",
    )
    .argument('<PLANFILE>', 'a plan file, from plan --out')
    .option('--script <TOOL>', 'write one part as a script for keyferry console TOOL --script')
    .option('--part <NUMBER>', 'which part, where the tool has several', wholeNumber)
    .addHelpText(
      'after',
      example(
        'keyferry runbook friday.plan > ceremony.md',
        `keyferry runbook friday.plan --script ${TOOL} --part 1 > part1.txt`,
      ),
    )
    .action(async (file: string, _own: unknown, command: Command) => {
      const { runbook } = await import('./actions/runbook.ts');
      shell.exitCode = await runbook(shell, file, optionsOf<RunbookOptions>(command));
    });
}
