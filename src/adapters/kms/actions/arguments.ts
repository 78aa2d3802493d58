/** Arguments of the actions of AWS KMS that several share. Keys, text and numbers are read as for every device. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type Field, optional, type Shape } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { isNotYet } from '../../adapter.ts';

export const aliasShape: Shape = {
  kind: 'string',
  pattern: '^alias/(?!aws/)[a-zA-Z0-9:/_-]{1,250}$',
  description: 'Name of the alias: alias/payments',
};

export const likeField: Field = optional({
  kind: 'opaque',
  type: 'key',
  description: 'The source key: what cannot become a KMS key is found in the plan',
});

export const text = (description: string) => ({ kind: 'string', description }) as const;

const wrong = (name: string, wanted: string): KeyferryError =>
  new KeyferryError('argument-invalid', `The argument "${name}" must be ${wanted}.`);

const isGiven = (value: unknown): boolean => value !== undefined && !isNotYet(value);

/** Absent: empty. */
export function readTexts(args: Arguments, name: string): readonly string[] {
  const value = args[name];
  if (!isGiven(value)) return [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw wrong(name, 'a list of text');
  return value;
}

/** Absent: empty. */
export function readTextMap(args: Arguments, name: string): Readonly<Record<string, string>> {
  const value = args[name];
  if (!isGiven(value)) return {};
  if (typeof value !== 'object' || value === null || !Object.values(value).every((each) => typeof each === 'string')) {
    throw wrong(name, 'a map of text');
  }
  return value as Readonly<Record<string, string>>;
}

/** A map of anything; undefined: absent. */
export function readMap(args: Arguments, name: string): Readonly<Record<string, unknown>> | undefined {
  const value = args[name];
  if (!isGiven(value)) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'a map');
  return value as Readonly<Record<string, unknown>>;
}

export function readAlias(args: Arguments, name = 'alias'): string {
  const value = args[name];
  if (typeof value === 'string' && /^alias\/(?!aws\/)[a-zA-Z0-9:/_-]{1,250}$/.test(value)) return value;
  throw wrong(name, 'the name of an alias: alias/ and letters, digits, : / _ -, but not alias/aws/');
}

export const readAliasIfGiven = (args: Arguments, name = 'alias'): string | undefined =>
  isGiven(args[name]) ? readAlias(args, name) : undefined;
