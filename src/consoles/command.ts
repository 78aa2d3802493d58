/** A console's commands as a table: looked up by name, each with its usage. What a command cannot do with its words is a Misuse. */
import { nearest } from '../source/nearest.ts';

/** The line was not understood: unknown command, wrong number of words, a word that is no number. Nothing was done. */
export class Misuse extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Misuse';
  }
}

export interface ConsoleCommand<Session> {
  readonly name: string;
  /** How it is typed, without the name. */
  readonly usage: string;
  readonly summary: string;
  /** Throws Misuse. What the HSMs refuse is printed, not thrown. */
  run(session: Session, words: readonly string[]): Promise<void> | void;
}

export const usageOf = (command: Pick<ConsoleCommand<never>, 'name' | 'usage'>): string =>
  command.usage === '' ? command.name : `${command.name} ${command.usage}`;

export interface Lookup {
  /** A beginning that only one command has names it. */
  readonly takesPrefixes: boolean;
  /** Commands of the vendor's tool that this console leaves out, each with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
}

export function findCommand<Named extends { readonly name: string }>(
  commands: readonly Named[],
  word: string,
  { takesPrefixes, leftOut }: Lookup,
): Named {
  const exact = commands.find(({ name }) => name === word);
  if (exact !== undefined) return exact;
  const missing = Object.hasOwn(leftOut, word) ? leftOut[word] : undefined;
  if (missing !== undefined) throw new Misuse(`This console does not have ${word}: ${missing}.`);
  const names = commands.map(({ name }) => name);
  const begun = takesPrefixes ? commands.filter(({ name }) => name.startsWith(word)) : [];
  if (begun.length === 1 && begun[0] !== undefined) return begun[0];
  if (begun.length > 1)
    throw new Misuse(`"${word}" may be ${begun.map(({ name }) => name).join(' or ')}; type more of it.`);
  const near = nearest(word, names);
  throw new Misuse(
    `There is no command "${word}".${near === undefined ? ' Type help for the list.' : ` Did you mean ${near}?`}`,
  );
}

/** Words of a line. Quotes hold a word together; the tools know no other escapes. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (const character of line) {
    if (quote !== null) {
      if (character === quote) quote = null;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + character;
  }
  if (quote !== null) throw new Misuse(`The line ends inside a quotation (${quote}).`);
  if (word !== null) words.push(word);
  return words;
}

/** The line with the words at these places struck out. Places count from 0 and may lie beyond the end. */
export function strikeOut(line: string, places: (words: readonly string[]) => readonly number[]): string {
  let words: string[];
  try {
    words = wordsOf(line);
  } catch {
    // Half a quotation: nobody can say what of it is a password.
    return line.replace(/^(\s*\S+).*$/, '$1 ********');
  }
  const struck = places(words).filter((place) => place < words.length);
  if (struck.length === 0) return line;
  return words.map((word, place) => (struck.includes(place) ? '********' : word)).join(' ');
}

/** Whole, not negative, as the tools take handles, ids and numbers. */
export function numberOf(text: string, what: string): number {
  if (!/^(?:\d{1,12}|0x[0-9a-f]{1,8})$/i.test(text)) throw new Misuse(`${what} must be a number, not "${text}".`);
  return Number(text);
}
