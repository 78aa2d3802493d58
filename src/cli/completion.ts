/** `completion`: a shell's completion script, generated from the program's own commands and options. */
import { Argument, type Command } from 'commander';
import { example, type Shell } from './shell.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function registerCompletion(program: Command, shell: Shell): void {
  program
    .command('completion')
    .summary('write a completion script for your shell')
    .description('Writes a completion script for bash, zsh or fish to stdout.')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      example(
        'source <(keyferry completion bash)',
        'keyferry completion fish > ~/.config/fish/completions/keyferry.fish',
      ),
    )
    .action(async (name: (typeof SHELLS)[number]) => {
      const { completionScript, readCommands } = await import('./completion-script.ts');
      await shell.io.stdout.write(completionScript(name, readCommands(program)));
      shell.exitCode = 0;
    });
}
