/** `validate`: all problems of playbooks, each with its place. Needs no device. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { readPlaybook } from '../bound-playbook.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import type { CheckedPlaybook } from '../views/validate-view.ts';
import { validateView } from '../views/validate-view.ts';

export async function validate(shell: Shell, files: readonly string[], options: CommonOptions): Promise<number> {
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
