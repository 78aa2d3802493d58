/** What a command has of the outside world: two outputs, a terminal to ask on, the environment. Built once, by src/main.ts. */
import { createStyles, type Styles, wantsColour } from './terminal/styles.ts';

/** The reader of stdout went away (`| head`). Ends a command quietly; not an error that operators see. */
export class OutputClosed extends Error {
  constructor() {
    super('the reader of the output went away');
    this.name = 'OutputClosed';
  }
}

export interface Output {
  readonly stream: NodeJS.WriteStream;
  readonly isTerminal: boolean;
  readonly styles: Styles;
  /** Cells of the terminal; null where there is none or it does not say. */
  columns(): number | null;
  /** Resolves when the text is handed over. stdout rejects with OutputClosed; stderr never rejects. */
  write(text: string): Promise<void>;
  /** Everything written so far is handed over. */
  flush(): Promise<void>;
}

export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OutputOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a reader that went away is reported by OutputClosed or passed over. */
  readonly whenClosed: 'reject' | 'ignore';
}

export function createOutput(stream: NodeJS.WriteStream, options: OutputOptions): Output {
  const isTerminal = stream.isTTY === true;
  let isClosed = false;
  let last: Promise<void> = Promise.resolve();
  stream.on('error', () => {
    isClosed = true;
  });

  const write = (text: string): Promise<void> => {
    if (isClosed) return options.whenClosed === 'reject' ? Promise.reject(new OutputClosed()) : Promise.resolve();
    const written = new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => {
        if (error === null || error === undefined || options.whenClosed === 'ignore') resolve();
        else reject(new OutputClosed());
      });
    });
    last = written.catch(() => undefined);
    return written;
  };

  return {
    stream,
    isTerminal,
    styles: createStyles(wantsColour(options.env, isTerminal)),
    columns: () => (isTerminal && stream.columns > 0 ? stream.columns : null),
    write,
    flush: () => last,
  };
}
