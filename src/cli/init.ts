/** `init`: a starter devices file and playbook, commented. Never overwrites anything. */
import type { Command } from 'commander';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

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
      shell.exitCode = await init(shell, dir, optionsOf(command));
    });
}

async function init(shell: Shell, dir: string, options: CommonOptions): Promise<number> {
  const { writeStarter } = await import('./starter-files.ts');
  const files = await writeStarter(dir);
  const inDir = dir === '.' ? [] : [`cd ${dir}`];
  const next = [...inDir, 'keyferry devices', `keyferry plan ${files.playbook}`]
    .map((command) => `  ${command}\n`)
    .join('');
  const text = options.json
    ? `${JSON.stringify({ dir, files: files.written })}\n`
    : `Wrote ${files.written.join(', ')}.\nNext:\n${next}`;
  await shell.io.stdout.write(text);
  return 0;
}
