/** The two ways of feeding a console: a script, and a person. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { strikeOut, wordsOf } from '../../../src/consoles/command.ts';
import type { Console } from '../../../src/consoles/console.ts';
import { createInteractive } from '../../../src/consoles/interactive-terminal.ts';
import { runConsole } from '../../../src/consoles/run-console.ts';
import { createScript } from '../../../src/consoles/script-terminal.ts';

/** Asks on `ask`, is not understood on `bad`, leaves on `quit`. */
class Parrot implements Console {
  readonly names = ['ask', 'hush', 'quit'];
  readonly heard: string[] = [];
  isClosed = false;
  terminal: {
    ask(question: string): Promise<string | null>;
    askSecret(question: string): Promise<string | null>;
  } | null = null;
  prompt(): string {
    return '> ';
  }
  masked(line: string): string {
    return line.replace(/^(login).*/, '$1 ********');
  }
  async run(line: string): Promise<'done' | 'misused' | 'over'> {
    this.heard.push(line);
    if (line === 'ask') this.heard.push(`answer ${await this.terminal?.ask('sure?')}`);
    if (line === 'hush') this.heard.push(`secret ${await this.terminal?.askSecret('word:')}`);
    return line === 'bad' ? 'misused' : line === 'quit' ? 'over' : 'done';
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

async function play(text: string): Promise<{ parrot: Parrot; shown: string; wasMisused: boolean }> {
  let shown = '';
  const script = createScript({
    text,
    write: async (more) => {
      shown += more;
    },
    note: async () => undefined,
  });
  const parrot = new Parrot();
  parrot.terminal = script.terminal;
  const { wasMisused } = await runConsole(parrot, script.terminal, script.lines(parrot));
  return { parrot, shown, wasMisused };
}

describe('a script', () => {
  test('answers stand on the lines that follow, comments and empty lines between commands', async () => {
    const { parrot, shown } = await play('# first\n\nask\ny\r\nhush\nsesame\nlogin secret\n');
    expect(parrot.heard).toEqual(['ask', 'answer y', 'hush', 'secret sesame', 'login secret']);
    expect(shown).toBe('> ask\nsure?y\n> hush\nword:\n> login ********\n');
    expect(parrot.isClosed).toBe(true);
  });

  test('an empty line can be an answer; the end of the script is none', async () => {
    expect((await play('ask\n\nask\n')).parrot.heard).toEqual(['ask', 'answer ', 'ask', 'answer null']);
  });

  test('goes on after a line that was not understood, and remembers it', async () => {
    const { parrot, wasMisused } = await play('bad\nask\nn\nquit\nnever\n');
    expect(wasMisused).toBe(true);
    expect(parrot.heard).toEqual(['bad', 'ask', 'answer n', 'quit']);
  });
});

describe('a terminal', () => {
  test('keeps a history without passwords and without answers', async () => {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    let shown = '';
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const desk = createInteractive({
      input: input as unknown as NodeJS.ReadStream,
      output: output as unknown as NodeJS.WriteStream,
      write: async (text) => void output.write(text),
      note: async () => undefined,
      readSecret: async () => 'typed',
      interrupt: () => undefined,
    });
    const parrot = new Parrot();
    parrot.terminal = desk.terminal;
    const UP = '\u001b[A';
    const prompts = (): number => shown.split('> ').length - 1;
    const over = runConsole(parrot, desk.terminal, desk.lines(parrot));
    const typeAt = async (text: string, wait: () => boolean): Promise<void> => {
      while (!wait()) await new Promise((resolve) => setTimeout(resolve, 5));
      input.write(text);
    };
    await typeAt('first\r', () => prompts() >= 1);
    await typeAt('login secret\r', () => parrot.heard.length === 1);
    await typeAt('ask\r', () => parrot.heard.length === 2);
    await typeAt('yes-i-am\r', () => shown.includes('sure?'));
    await typeAt(`${UP}\r`, () => parrot.heard.length === 4);
    await typeAt('yes\r', () => shown.split('sure?').length > 2);
    await typeAt('quit\r', () => parrot.heard.length === 6);
    await over;
    expect(parrot.heard).toEqual(['first', 'login secret', 'ask', 'answer yes-i-am', 'ask', 'answer yes', 'quit']);
  });
});

describe('words', () => {
  test('are parted by white space, held together by quotes', () => {
    expect(wordsOf(`a  "b c" 'd"e' f"g h"`)).toEqual(['a', 'b c', 'd"e', 'fg h']);
    expect(wordsOf('   ')).toEqual([]);
    expect(() => wordsOf('a "b')).toThrow('ends inside a quotation');
  });

  test('are struck out by place', () => {
    expect(strikeOut('a b c', () => [1, 9])).toBe('a ******** c');
    expect(strikeOut('a b c', () => [])).toBe('a b c');
    expect(strikeOut('a "b c', () => [])).toBe('a ********');
  });
});
