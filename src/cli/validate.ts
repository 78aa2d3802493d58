/** `validate`: all problems of playbooks, each with its place. Needs no device. */
import type { Command } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';
import type { CheckedPlaybook } from './views/validate-view.ts';

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
      shell.exitCode = await validate(shell, files, optionsOf(command));
    });
}

async function validate(shell: Shell, files: readonly string[], options: CommonOptions): Promise<number> {
  const [{ readPlaybook }, { validateView }, { createScreen }] = await Promise.all([
    import('./bound-playbook.ts'),
    import('./views/validate-view.ts'),
    import('./screen.ts'),
  ]);
  const checked: CheckedPlaybook[] = [];
  for (const file of files) {
    try {
      const playbook = await readPlaybook(file);
      checked.push({ file, title: playbook.title, error: null });
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      checked.push({ file, title: null, error });
    }
  }
  await validateView(createScreen(shell.io), options.json).show(checked);
  return checked.some(({ error }) => error !== null) ? 2 : 0;
}
