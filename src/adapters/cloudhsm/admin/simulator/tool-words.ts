/** A command line of the tool, taken apart: `key share --filter key-reference=0x1 --username u` is two words and two flags. */
import { ToolFailure } from '../admin-tool.ts';

export interface ToolWords {
  /** `key share` */
  readonly command: string;
  /** Flag without its dashes → the values after it. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

export function readWords(args: readonly string[]): ToolWords {
  const first = args.findIndex((word) => word.startsWith('--'));
  const words = first < 0 ? args : args.slice(0, first);
  const flags = new Map<string, string[]>();
  let values: string[] = [];
  for (const word of first < 0 ? [] : args.slice(first)) {
    if (word.startsWith('--')) {
      values = [];
      flags.set(word.slice(2), values);
    } else values.push(word);
  }
  return { command: words.join(' '), flags };
}

/** A usage error of the tool: nothing was sent to the cluster. */
export const usage = (message: string): ToolFailure => new ToolFailure(message, false);

export function required({ command, flags }: ToolWords, name: string): string {
  const [value, ...more] = flags.get(name) ?? [];
  if (value === undefined || more.length > 0) throw usage(`${command}: --${name} wants one value`);
  return value;
}

/** Flags that take a list: the words after it, none where it is absent. */
export const listed = ({ flags }: ToolWords, name: string): readonly string[] => flags.get(name) ?? [];

/** Throws for a flag that the command does not have. */
export function allowFlags({ command, flags }: ToolWords, known: readonly string[]): void {
  const unknown = [...flags.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const there = known.map((name) => `--${name}`).join(', ');
  throw usage(`${command}: there is no --${unknown} here; ${there === '' ? 'it has no flags' : `there are ${there}`}`);
}

/** A whole number. */
export function numberAt(words: ToolWords, name: string): number {
  const text = required(words, name);
  if (!/^\d{1,10}$/.test(text)) throw usage(`${words.command}: --${name} wants a number, not ${text}`);
  return Number(text);
}

export const given = ({ flags }: ToolWords, name: string): string | undefined => flags.get(name)?.[0];

export function requiredRole(words: ToolWords): 'CO' | 'CU' {
  const role = required(words, 'role');
  if (role === 'admin') return 'CO';
  if (role === 'crypto-user') return 'CU';
  throw usage(`${words.command}: there is no role ${role}; it is admin or crypto-user`);
}
