/**
 * What a script leaves open. `<name> := value` fills a blank with a value that people put there; `<name> = findKey …` runs the command and
 * fills it with the one key handle that it shows. A line that uses a blank which is still open is never run: a handle is not guessed.
 */
import { KeyferryError } from '../errors/keyferry-error.ts';

const GIVEN = /^<([^<>]+)>\s*:=\s*(.*)$/;
const LOOKED_UP = /^<([^<>]+)>\s*=\s*(.+)$/;
/** findKey's list, what the creating commands show, and the list of cmu. */
const HANDLES = [/matched from start index 0::\d+\n([\d, ]+)$/gm, /Key Handle: (\d+)/g, /^handle=(\d+)\t/gm] as const;

const handlesIn = (text: string): string[] =>
  HANDLES.flatMap((pattern) => [...text.matchAll(pattern)].flatMap((match) => (match[1] ?? '').split(',')))
    .map((handle) => handle.trim())
    .filter((handle) => handle !== '');

const hint = 'The script was ended there; what stands above was done. Nothing after it was.';

export class ScriptBlanks {
  /** null: declared, and open. */
  readonly #values = new Map<string, string | null>();
  #looking: { readonly name: string; text: string } | null = null;

  /** Output of the console, in case that a handle is looked for in it. */
  hear(text: string): void {
    if (this.#looking !== null) this.#looking.text += text;
  }

  /** The command was run. Throws `key-not-found` and `key-ambiguous` where it did not show one key. */
  settle(): void {
    const looking = this.#looking;
    if (looking === null) return;
    this.#looking = null;
    const handles = handlesIn(looking.text);
    const [handle] = handles;
    if (handle === undefined)
      throw new KeyferryError('key-not-found', `No key was shown for <${looking.name}>.`, { hint });
    if (handles.length > 1) {
      const message = `${handles.length} keys were shown for <${looking.name}>: ${handles.join(', ')}.`;
      throw new KeyferryError('key-ambiguous', message, { hint });
    }
    this.#values.set(looking.name, handle);
  }

  /** The command of a line, null for one that only fills a blank. Throws `usage` where it uses an open one. */
  command(line: string): string | null {
    const [, given, value = ''] = GIVEN.exec(line) ?? [];
    if (given !== undefined) {
      this.#values.set(given, value.trim() === '' ? null : value.trim());
      return null;
    }
    const [, sought, lookup = ''] = LOOKED_UP.exec(line) ?? [];
    const text = this.fill(sought === undefined ? line : lookup);
    if (sought !== undefined) {
      this.#values.set(sought, null);
      this.#looking = { name: sought, text: '' };
    }
    return text;
  }

  /** Throws `usage` for an open blank. */
  fill(line: string): string {
    return line.replaceAll(/<([^<>]+)>/g, (whole, name: string) => {
      const value = this.#values.get(name);
      // What no line declared is the script's own text.
      if (value === undefined) return whole;
      if (value !== null) return value;
      throw new KeyferryError('usage', `The script leaves <${name}> open.`, {
        hint: `Write it behind "<${name}> :=" in the script. ${hint}`,
      });
    });
  }
}
