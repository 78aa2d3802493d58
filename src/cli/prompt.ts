/** Questions on the terminal: yes or no, and secrets without echo. Asked on stderr, so that stdout stays the result's. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { Secret } from '../keys/secret.ts';
import { Interrupted, type Interrupts } from './interrupts.ts';
import type { Io } from './io.ts';

export const canAsk = (io: Io): boolean => io.stdin.isTTY === true && io.stderr.isTerminal;

/** Rejects with `confirmation-required` where nobody can be asked, and where the answer is not yes. */
export async function confirm(io: Io, question: string): Promise<void> {
  if (!canAsk(io)) {
    throw new KeyferryError(
      'confirmation-required',
      `"${question}" needs an answer and there is no terminal to ask on; nothing was changed.`,
    );
  }
  const { createInterface } = await import('node:readline');
  await io.stderr.write(`${question} [y/N] `);
  // Without `terminal` the line discipline stays the system's, so Ctrl-C is a signal as everywhere else.
  const lines = createInterface({ input: io.stdin, terminal: false });
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
  });
  lines.close();
  io.stdin.pause();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new KeyferryError('confirmation-required', 'The answer was not yes; nothing was changed.', {
    hint: 'Answer y, or pass --yes, when you want it done.',
  });
}

const BACKSPACE = new Set(['\u007f', '\b']);
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const ENDING = new Set(['\r', '\n', CTRL_D]);
// Cursor and function keys are not part of a secret.
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const ESCAPE_SEQUENCE = /\u001b(\[[0-9;]*[A-Za-z~])?/g;

/** Reads one line without echo. Rejects with `secret-unavailable` where there is no terminal or nothing was typed, and with Interrupted. */
export async function promptSecret(io: Io, interrupts: Interrupts, label: string): Promise<Secret> {
  if (!canAsk(io)) {
    throw new KeyferryError('secret-unavailable', `${label} is to be typed in and there is no terminal.`, {
      hint:
        'Of a device: give it as { env: … }, { file: … } or { command: … } in the devices file. ' +
        'Of a playbook: give it with -i NAME=env:VAR or -i NAME=file:PATH.',
    });
  }
  await io.stderr.write(`${label}: `);
  const { stdin } = io;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    const typed = await new Promise<string>((resolve, reject) => {
      let text = '';
      const letGo = (): void => {
        stdin.off('data', take);
        stdin.off('end', end);
      };
      const end = (): void => {
        letGo();
        resolve(text);
      };
      const take = (chunk: string | Buffer): void => {
        for (const character of String(chunk).replace(ESCAPE_SEQUENCE, '')) {
          if (character === CTRL_C) {
            letGo();
            reject(new Interrupted());
            interrupts.signal();
            return;
          }
          if (ENDING.has(character)) {
            end();
            return;
          }
          if (BACKSPACE.has(character)) text = [...text].slice(0, -1).join('');
          else if (character === CTRL_U) text = '';
          else text += character;
        }
      };
      stdin.on('data', take);
      stdin.on('end', end);
    });
    if (typed === '') throw new KeyferryError('secret-unavailable', `${label}: nothing was typed.`);
    return new Secret(typed);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    await io.stderr.write('\n');
  }
}
