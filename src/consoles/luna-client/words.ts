/** Flags of cmu: `-name=value`, as the migration guide types them, or `-name value`, as newer clients' users do. In any order. */
import { suggestion } from '../../source/nearest.ts';
import { Misuse, numberOf } from '../command.ts';

type Values = ReadonlyMap<string, string>;

interface Words {
  readonly flags: Values;
  /** What is no flag. */
  readonly rest: readonly string[];
}

/** Throws Misuse for a flag that is not among `known`, stands there twice or has no value. */
export function readWords(words: readonly string[], known: readonly string[]): Words {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const [, name = '', , given] = /^-([^=]*)(=(.*))?$/s.exec(word) ?? [];
    if (name === 'password') {
      throw new Misuse('This console takes no password on the command line: it asks for it. Nothing was done.');
    }
    if (!known.includes(name)) {
      const near = suggestion(
        `-${name}`,
        known.map((each) => `-${each}`),
      );
      throw new Misuse(`There is no flag -${name} here${near === undefined ? '' : `: ${near}`}.`);
    }
    if (flags.has(name)) throw new Misuse(`-${name} stands there twice.`);
    if (given === undefined) at += 1;
    const value = given ?? words[at];
    if (value === undefined || value === '') throw new Misuse(`-${name} needs a value.`);
    flags.set(name, value);
  }
  return { flags, rest };
}

/** Throws Misuse when there are words that are no flags. */
export function flagsOnly(words: readonly string[], known: readonly string[]): Values {
  const { flags, rest } = readWords(words, known);
  if (rest[0] !== undefined) throw new Misuse(`"${rest[0]}" is no flag; flags begin with -.`);
  return flags;
}

export function needed(flags: Values, name: string): string {
  const value = flags.get(name);
  if (value === undefined) throw new Misuse(`Missing: -${name}.`);
  return value;
}

/** undefined: not given. */
export function numberIn(flags: Values, name: string): number | undefined {
  const text = flags.get(name);
  return text === undefined ? undefined : numberOf(text, `-${name}`);
}
