/** Arguments → the command that they name. What commander refuses becomes a `usage` error, with its nearest-name suggestion. */
import { CommanderError } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { createProgram } from './program.ts';
import type { Shell } from './shell.ts';

/** Sets `shell.exitCode`; rejects with what the command rejects with. */
export async function runCommandLine(args: readonly string[], shell: Shell): Promise<void> {
  try {
    await createProgram(shell).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    // No command at all: commander has printed the help.
    if (error.code === 'commander.help') {
      shell.exitCode = 2;
      return;
    }
    throw usageError(error);
  }
}

function usageError(error: CommanderError): KeyferryError {
  const [message = '', ...suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion.join(' ').replace(/^\(|\)$/g, '');
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return new KeyferryError('usage', text, hint === '' ? {} : { hint });
}
