/** A terminal of a test's own: what is asked, what is typed, and whether the typing was hidden. */
import { PassThrough } from 'node:stream';
import { createOutput, type Io } from '../../src/cli/io.ts';

export interface TestTerminal {
  readonly io: Io;
  /** Everything written to stderr. */
  asked(): string;
  type(text: string): void;
  /** Modes that were set, in order. */
  readonly rawModes: boolean[];
}

export function aTerminal(options: { readonly isTerminal?: boolean } = {}): TestTerminal {
  const isTTY = options.isTerminal ?? true;
  const rawModes: boolean[] = [];
  const input = new PassThrough();
  const stdin = Object.assign(input, {
    isTTY,
    isRaw: false,
    fd: 0,
    setRawMode(mode: boolean) {
      rawModes.push(mode);
      return stdin;
    },
  });
  const output = (): { readonly stream: NodeJS.WriteStream; readonly text: () => string } => {
    let text = '';
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    return { stream: Object.assign(stream, { isTTY, columns: 80 }) as unknown as NodeJS.WriteStream, text: () => text };
  };
  const stderr = output();
  const stdout = output();
  const io: Io = {
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: createOutput(stdout.stream, { env: {}, whenClosed: 'reject' }),
    stderr: createOutput(stderr.stream, { env: {}, whenClosed: 'ignore' }),
    env: {},
  };
  return { io, asked: stderr.text, type: (text) => void input.write(text), rawModes };
}
