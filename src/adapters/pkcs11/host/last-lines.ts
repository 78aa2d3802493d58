/** The last lines that a module's process printed, for error messages: a crashing module often says why on stderr. */
import type { Readable } from 'node:stream';
import type { Secret } from '../../../keys/secret.ts';

const LINES = 8;
const LINE_CHARS = 300;
/** Kept longer than shown: a PIN is taken out before a line is cut, so that no half of one is shown. */
const KEPT_CHARS = 4_096;

export class LastLines {
  #lines: string[] = [];
  #open = '';

  listen(stream: Readable | null): void {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => this.#add(text));
  }

  /** One line, parts joined by ` | `; empty when nothing was printed. Control characters never reach the terminal, nor does the PIN. */
  toString(secret?: Secret): string {
    const pin = secret?.reveal() ?? '';
    const printed = [...this.#lines, this.#open].filter((line) => line.trim() !== '').slice(-LINES);
    const whole = pin === '' ? printed : printed.map((line) => line.replaceAll(pin, '[redacted]'));
    return whole
      .map((line) =>
        line
          .slice(0, LINE_CHARS)
          .replace(/\p{Cc}+/gu, ' ')
          .trim(),
      )
      .join(' | ');
  }

  #add(text: string): void {
    const lines = `${this.#open}${text}`.split('\n');
    this.#open = (lines.pop() ?? '').slice(0, KEPT_CHARS);
    this.#lines = [...this.#lines, ...lines.map((line) => line.slice(0, KEPT_CHARS))].slice(-LINES);
  }
}
