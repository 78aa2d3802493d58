/** key_mgmt_util's flags, from a table per command: named, in any order, `-h` for help. */
import { nearest } from '../../source/nearest.ts';
import { Misuse, numberOf } from '../command.ts';

export interface FlagSpec {
  readonly kind: 'switch' | 'text' | 'number' | 'numbers';
  readonly isRequired?: true;
  /** Stands for the value in the usage. */
  readonly value?: string;
}

export type FlagTable = Readonly<Record<string, FlagSpec>>;

const required = (kind: FlagSpec['kind'], value: string): FlagSpec => ({ kind, value, isRequired: true });
const optional = (kind: FlagSpec['kind'], value: string): FlagSpec => ({ kind, value });

export const flag = {
  switch: { kind: 'switch' } as const,
  text: { required: (value: string) => required('text', value), optional: (value: string) => optional('text', value) },
  number: {
    required: (value: string) => required('number', value),
    optional: (value: string) => optional('number', value),
  },
  numbers: { optional: (value: string) => optional('numbers', value) },
} as const;

export class Flags {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** undefined: not given. */
  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  number(name: string): number | undefined {
    const text = this.#values.get(name);
    return text === undefined ? undefined : numberOf(text, `-${name}`);
  }

  numbers(name: string): readonly number[] {
    const text = this.#values.get(name);
    return text === undefined ? [] : text.split(',').map((part) => numberOf(part.trim(), `-${name}`));
  }

  /** Throws Misuse when it is not there: for flags that the table requires, and those that others make necessary. */
  neededText(name: string): string {
    return this.text(name) ?? missing([name]);
  }

  neededNumber(name: string): number {
    return this.number(name) ?? missing([name]);
  }
}

function missing(names: readonly string[]): never {
  throw new Misuse(`Missing: ${names.map((name) => `-${name}`).join(', ')}.`);
}

/** Throws Misuse; null when `-h` asks for help. */
export function parseFlags(table: FlagTable, words: readonly string[]): Flags | null {
  if (words.includes('-h')) return null;
  const values = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const name = word.replace(/^-/, '');
    const spec = word.startsWith('-') && Object.hasOwn(table, name) ? table[name] : undefined;
    if (spec === undefined) throw unknownWord(word, table);
    if (values.has(name)) throw new Misuse(`-${name} stands there twice.`);
    if (spec.kind === 'switch') {
      values.set(name, '');
      continue;
    }
    at += 1;
    const value = words[at];
    if (value === undefined) throw new Misuse(`-${name} needs a value.`);
    values.set(name, value);
  }
  const absent = Object.entries(table).flatMap(([name, spec]) =>
    spec.isRequired === true && !values.has(name) ? [name] : [],
  );
  if (absent.length > 0) missing(absent);
  const flags = new Flags(values);
  // Numbers are checked before anything is done, also those that will only be looked at later.
  for (const [name, { kind }] of Object.entries(table)) {
    if (kind === 'number') flags.number(name);
    else if (kind === 'numbers') flags.numbers(name);
  }
  return flags;
}

function unknownWord(word: string, table: FlagTable): Misuse {
  if (!word.startsWith('-')) return new Misuse(`"${word}" is no flag; every value stands after one.`);
  const near = nearest(
    word,
    Object.keys(table).map((name) => `-${name}`),
  );
  return new Misuse(`There is no flag ${word} here.${near === undefined ? '' : ` Did you mean ${near}?`}`);
}

/** `-k <handle> [-sess]` */
export function flagUsage(table: FlagTable): string {
  return Object.entries(table)
    .map(([name, { value, isRequired }]) => {
      const text = value === undefined ? `-${name}` : `-${name} <${value}>`;
      return isRequired === true ? text : `[${text}]`;
    })
    .join(' ');
}
