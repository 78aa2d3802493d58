/** Passwords on the command line, or typed without echo for -hpswd. */
import { Misuse } from '../command.ts';
import type { CmuSession } from './cmu-session.ts';

export async function passwordOf(cmu: CmuSession, word: string): Promise<string> {
  if (word !== '-hpswd') return word;
  const typed = await cmu.terminal.askSecret('Enter password:');
  if (typed === null || typed === '') throw new Misuse('No password was typed; nothing was done.');
  return typed;
}
