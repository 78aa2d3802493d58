/**
 * A console at a terminal: history, completion of command names, questions, passwords without echo. A line with a password in it never
 * enters the history.
 */
import { createInterface, type Interface } from 'node:readline';
import type { Console, Terminal } from './console.ts';
import type { LineSource } from './run-console.ts';

export interface InteractiveOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  write(text: string): Promise<void>;
  note(text: string): Promise<void>;
  /** Reads a line without echo. */
  readSecret(question: string): Promise<string | null>;
  /** Ctrl-C at the prompt. */
  interrupt(): void;
}

export interface Interactive {
  readonly terminal: Terminal;
  lines(console: Pick<Console, 'masked' | 'names'>): LineSource;
  close(): void;
}

export function createInteractive(options: InteractiveOptions): Interactive {
  let pending = '';
  const notes: string[] = [];
  let history: string[] = [];
  let reading: Interface | null = null;

  const flush = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (text !== '') await options.write(text);
    for (const note of notes.splice(0)) await options.note(note);
  };
  /** One interface for each line: between lines the input belongs to whoever asks for a password. */
  const readLine = async (question: string, console?: Pick<Console, 'masked' | 'names'>): Promise<string | null> => {
    await flush();
    const names = console?.names ?? [];
    const lines = createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      history: console === undefined ? [] : [...history],
      historySize: console === undefined ? 0 : 500,
      completer: (line: string): [string[], string] => [names.filter((name) => name.startsWith(line)), line],
    });
    reading = lines;
    lines.once('SIGINT', () => {
      lines.close();
      options.interrupt();
    });
    const line = await new Promise<string | null>((resolve) => {
      lines.once('close', () => resolve(null));
      lines.question(question, resolve);
    });
    lines.close();
    reading = null;
    if (console !== undefined && line !== null && line.trim() !== '' && console.masked(line) === line) {
      history = [line, ...history.filter((earlier) => earlier !== line)];
    }
    return line;
  };
  return {
    terminal: {
      line: (text = '') => {
        pending += `${text}\n`;
      },
      note: (text) => void notes.push(text),
      ask: (question) => readLine(question),
      askSecret: async (question) => {
        await flush();
        return await options.readSecret(question);
      },
      flush,
    },
    lines: (console) => ({ read: (prompt) => readLine(prompt, console) }),
    close: () => reading?.close(),
  };
}
