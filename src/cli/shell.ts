/** What every command is given, and the options that every command takes (architecture §7). */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Interrupts } from './interrupts.ts';
import type { Io } from './io.ts';

export interface Shell {
  readonly io: Io;
  readonly interrupts: Interrupts;
  /** Set by the command that ran. */
  exitCode: number;
}

export interface CommonOptions {
  readonly devices: string;
  /** Role in the playbook → name in the devices file. */
  readonly device: Readonly<Record<string, string>>;
  /** Input name → what was given. */
  readonly input: Readonly<Record<string, string>>;
  readonly home: string;
  readonly json: boolean;
  readonly retryPin: boolean;
  /** The devices file and home folder as they were typed, for the commands that are proposed next; empty: the defaults. */
  readonly carried: string;
}

const assignment =
  (what: string) =>
  (text: string, earlier: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
    const equals = text.indexOf('=');
    if (equals < 1) throw new InvalidArgumentError(`Write it as ${what}.`);
    return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) };
  };

/** Stands for the role of a device that was named without one: `console` has no playbook and so no roles. */
const NO_ROLE = '';

const bindRole = assignment('ROLE=NAME');
const bindDevice = (text: string, earlier: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  text.includes('=') ? bindRole(text, earlier) : { ...earlier, [NO_ROLE]: text };

/** The device of a command that takes one by name. Rejects with `usage` where a role was given. */
export function onlyDevice({ device }: Pick<CommonOptions, 'device'>): string | undefined {
  if (Object.keys(device).every((role) => role === NO_ROLE)) return device[NO_ROLE];
  throw new KeyferryError('usage', 'This command has no roles to bind: write --device NAME.');
}

/** Options of the program as a whole: taken before and after the command's name. */
export function addCommonOptions(program: Command): void {
  program
    .optionsGroup('Options of every command:')
    .option('-d, --devices <FILE>', 'the devices file', 'devices.yaml')
    .option('--device <ROLE=NAME>', "bind a playbook's device to another of the file's (repeatable)", bindDevice, {})
    .option('-i, --input <NAME=VALUE>', 'an input of the playbook (repeatable)', assignment('NAME=VALUE'), {})
    .option('--home <DIR>', 'where runs and their journals are kept', '.keyferry')
    .option('--json', 'results as JSON on stdout, errors as JSON on stderr', false)
    .option('--retry-pin', 'try a PIN again that a device refused before', false);
}

/** The command's own options together with the common ones. Rejects with `usage` for `--device NAME` where a role is wanted. */
export function optionsOf<Own = object>(
  command: Command,
  devices: 'roles' | 'device-name' = 'roles',
): CommonOptions & Own {
  const options = command.optsWithGlobals<CommonOptions & Own>();
  const named = options.device[NO_ROLE];
  if (devices === 'roles' && named !== undefined) {
    throw new KeyferryError('usage', `Option '--device ${named}' names no role. Write it as ROLE=NAME.`);
  }
  const carried = CARRIED.filter(([name]) => command.getOptionValueSourceWithGlobals(name) === 'cli')
    .map(([name, flag]) => ` ${flag} ${quoted(options[name])}`)
    .join('');
  return { ...options, devices: resolve(options.devices), home: resolve(options.home), carried };
}

const CARRIED = [
  ['devices', '-d'],
  ['home', '--home'],
] as const;

/** As a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('Give a whole number of 1 or more.');
  return Number(text);
}

export function share(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Give a number from 0 to 1.');
  return value;
}

/** The end of a command's help. */
export const example = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
