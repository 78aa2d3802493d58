/** What views write on: results to stdout, everything else to stderr, both line by line. */
import type { Io } from './io.ts';
import { visible } from './terminal/display-width.ts';
import type { Styles } from './terminal/styles.ts';

export interface Screen {
  /** A line of the result, on stdout. */
  result(line: string): Promise<void>;
  /** Part of a result as it is, on stdout. */
  text(part: string): Promise<void>;
  /** A line for people, on stderr; never rejects. */
  note(line: string): Promise<void>;
  /** A line that proposes a command of keyferry, with what the operator needs to type along. */
  next(command: string): string;
  /** Styles and width of stdout. */
  readonly styles: Styles;
  readonly width: number | null;
  /** Styles of stderr. */
  readonly noteStyles: Styles;
}

/** Lines are gathered to this many characters before they are written, so that a million of them are not a million system calls. */
const BLOCK = 16_384;

/** `carried`: of the common options. */
export function createScreen(io: Io, carried = ''): Screen {
  return {
    next: (command) => `  ${io.stdout.styles.cyan('Next:')} keyferry ${command}${visible(carried)}`,
    result: (line) => io.stdout.write(`${line}\n`),
    text: (part) => io.stdout.write(part),
    note: (line) => io.stderr.write(`${line}\n`),
    styles: io.stdout.styles,
    width: io.stdout.columns(),
    noteStyles: io.stderr.styles,
  };
}

/** Writes many lines of a result. */
export async function resultLines(screen: Screen, lines: AsyncIterable<string> | Iterable<string>): Promise<void> {
  let held: string[] = [];
  let size = 0;
  for await (const line of lines) {
    held.push(line);
    size += line.length;
    if (size < BLOCK) continue;
    await screen.result(held.join('\n'));
    held = [];
    size = 0;
  }
  if (held.length > 0) await screen.result(held.join('\n'));
}
