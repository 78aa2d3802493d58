/** What a command shows, or writes to a file that it was given instead (user guide: "instead of stdout"; an old file is overwritten). */
import type { CmuSession } from './cmu-session.ts';
import { writeNamedFile } from './files.ts';

export interface Output {
  line(text?: string): void;
  /** Throws Misuse where the file cannot be written. */
  end(): void;
}

/** undefined: to the terminal. */
export function outputOf(cmu: CmuSession, path: string | undefined): Output {
  if (path === undefined) return { line: (text) => cmu.line(text), end: () => undefined };
  let text = '';
  return {
    line: (line = '') => {
      text += `${line}\n`;
    },
    end: () => {
      writeNamedFile(path, new Uint8Array(Buffer.from(text, 'utf8')));
      cmu.terminal.note(`What was asked for is in ${path}. What the vendor's tool shows then is not known.`);
    },
  };
}
