/**
 * A console fed by a script: commands line by line, answers to questions on the lines that follow. What is typed is shown as a terminal
 * would show it, so that the output reads as a transcript; passwords are struck out. Empty lines and lines that begin with # stand between
 * commands for the reader. What a script leaves open is filled by script-blanks.ts.
 */
import type { Console, Terminal } from './console.ts';
import type { LineSource } from './run-console.ts';
import { ScriptBlanks } from './script-blanks.ts';

export interface ScriptOptions {
  readonly text: string;
  write(text: string): Promise<void>;
  note(text: string): Promise<void>;
}

export interface Script {
  readonly terminal: Terminal;
  /** Needs the console to know which words are passwords. */
  lines(console: Pick<Console, 'masked'>): LineSource;
}

export function createScript(options: ScriptOptions): Script {
  const rest = options.text.split(/\r?\n/);
  if (rest.at(-1) === '') rest.pop();
  const blanks = new ScriptBlanks();
  let pending = '';
  const notes: string[] = [];
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (text !== '') await options.write(text);
    for (const note of notes.splice(0)) await options.note(note);
  };
  const show = async (
    question: string,
    line: string | null,
    shown: (line: string) => string,
  ): Promise<string | null> => {
    pending += `${question}${line === null ? '' : shown(line)}\n`;
    await flush();
    return line;
  };
  const answer = async (question: string, shown: (line: string) => string): Promise<string | null> => {
    const line = rest.shift();
    return await show(question, line === undefined ? null : blanks.fill(line), shown);
  };
  return {
    terminal: {
      line: (text = '') => {
        pending += `${text}\n`;
        blanks.hear(`${text}\n`);
      },
      note: (text) => void notes.push(text),
      ask: (question) => answer(question, (line) => line),
      askSecret: (question) => answer(question, () => ''),
      flush,
    },
    lines: (console) => ({
      read: async (prompt) => {
        blanks.settle();
        for (let line = rest.shift(); line !== undefined; line = rest.shift()) {
          const command = /^\s*(?:#|$)/.test(line) ? null : blanks.command(line);
          if (command !== null) return await show(prompt, command, (text) => console.masked(text));
        }
        return null;
      },
    }),
  };
}
