/** The command line of `validate`: arguments, options, help. What is done stands in actions/validate.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerValidate(program: Command, shell: Shell): void {
  program
    .command('validate')
    .summary('check playbooks; lists all problems with their places')
    .description(
      'Checks playbooks and lists all problems, each as file:line:column. Needs no device. Exit code 2 when there is one.',
    )
    .argument('<PLAYBOOK...>', 'the playbooks')
    .addHelpText('after', example('keyferry validate playbook.yaml'))
    .action(async (files: readonly string[], _own: unknown, command: Command) => {
      const { validate } = await import('./actions/validate.ts');
      shell.exitCode = await validate(shell, files, optionsOf(command));
    });
}
