/**
 * What an operation's input may look like, as the service model says: types, lengths, patterns, enums. One description checks a request,
 * with the texts of the real service, and gives the handler its types. Unknown members are passed over, as AWS JSON services do.
 */
import { refuse } from './service-error.ts';

/** Where wrong values are collected: all are told at once. */
type Problems = string[];

export interface Member<T, Required extends boolean = boolean> {
  readonly isRequired: Required;
  /** `path` is how the real service spells it: `tags.1.member.tagKey`. */
  read(value: unknown, path: string, problems: Problems): T;
}

type AnyMember = Member<unknown>;
export type Members = Readonly<Record<string, AnyMember>>;
type Read<M> = M extends Member<infer T> ? T : never;
export type InputOf<M extends Members> = {
  readonly [K in keyof M as M[K]['isRequired'] extends true ? K : never]: Read<M[K]>;
} & {
  readonly [K in keyof M as M[K]['isRequired'] extends true ? never : K]: Read<M[K]> | undefined;
};

const optional = <T>(read: Member<T>['read']): Member<T, false> => ({ isRequired: false, read });
export const required = <T>({ read }: Member<T>): Member<T, true> => ({ isRequired: true, read });

const told = (shown: string, path: string, rule: string): string =>
  `Value ${shown} at '${path}' failed to satisfy constraint: Member must ${rule}`;
const mistyped = (wanted: string): never => refuse('SerializationException', `Member cannot be converted to ${wanted}`);

export interface TextRules {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

function readText(value: unknown, path: string, problems: Problems, { min = 0, max, pattern }: TextRules): string {
  if (typeof value !== 'string') return mistyped('a string');
  const shown = `'${value}'`;
  if (value.length < min) problems.push(told(shown, path, `have length greater than or equal to ${min}`));
  if (max !== undefined && value.length > max)
    problems.push(told(shown, path, `have length less than or equal to ${max}`));
  if (pattern !== undefined && !pattern.test(value))
    problems.push(told(shown, path, `satisfy regular expression pattern: ${pattern.source}`));
  return value;
}

export const text = (rules: TextRules = {}): Member<string, false> =>
  optional((value, path, problems) => readText(value, path, problems, rules));

export const oneOf = <const V extends string>(values: readonly V[]): Member<V, false> =>
  optional((value, path, problems) => {
    if (typeof value !== 'string') return mistyped('a string');
    if (!values.some((known) => known === value))
      problems.push(told(`'${value}'`, path, `satisfy enum value set: [${values.join(', ')}]`));
    return value as V;
  });

export const flag: Member<boolean, false> = optional((value) =>
  typeof value === 'boolean' ? value : mistyped('a boolean'),
);

export const integer = (min: number, max: number): Member<number, false> =>
  optional((value, path, problems) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return mistyped('an integer');
    if (value < min) problems.push(told(`'${value}'`, path, `have value greater than or equal to ${min}`));
    if (value > max) problems.push(told(`'${value}'`, path, `have value less than or equal to ${max}`));
    return value;
  });

/** Epoch seconds, with fractions or without; read as milliseconds. */
export const time: Member<number, false> = optional((value) =>
  typeof value === 'number' && Number.isFinite(value) ? value * 1000 : mistyped('a timestamp'),
);

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Its bytes never stand in a message: they may be a plaintext. */
export const blob = (max: number): Member<Uint8Array, false> =>
  optional((value, path, problems) => {
    if (typeof value !== 'string' || !BASE64.test(value)) return mistyped('a blob: it is not base64');
    const bytes = Buffer.from(value, 'base64');
    const shown = `'java.nio.HeapByteBuffer[pos=0 lim=${bytes.length} cap=${bytes.length}]'`;
    if (bytes.length < 1) problems.push(told(shown, path, 'have length greater than or equal to 1'));
    if (bytes.length > max) problems.push(told(shown, path, `have length less than or equal to ${max}`));
    return bytes;
  });

export const listOf = <T>(of: Member<T>, max?: number): Member<readonly T[], false> =>
  optional((value, path, problems) => {
    if (!Array.isArray(value)) return mistyped('a list');
    if (max !== undefined && value.length > max)
      problems.push(told(`'[…]'`, path, `have length less than or equal to ${max}`));
    return value.map((one: unknown, at) => of.read(one, `${path}.${at + 1}.member`, problems));
  });

export const textMap: Member<Readonly<Record<string, string>>, false> = optional((value) => {
  if (!isRecord(value)) return mistyped('a map');
  for (const one of Object.values(value)) if (typeof one !== 'string') mistyped('a string');
  return value as Readonly<Record<string, string>>;
});

export const structure = <M extends Members>(members: M): Member<InputOf<M>, false> =>
  optional((value, path, problems) => readMembers(members, value, `${path}.`, problems));

/** Throws ServiceError `SerializationException` or `ValidationException`. */
export function readInput<M extends Members>(members: M, value: unknown): InputOf<M> {
  const problems: Problems = [];
  const input = readMembers(members, value, '', problems);
  if (problems.length === 0) return input;
  const count = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  return refuse('ValidationException', `${count} detected: ${problems.join('; ')}`);
}

function readMembers<M extends Members>(members: M, value: unknown, prefix: string, problems: Problems): InputOf<M> {
  if (!isRecord(value)) return mistyped('a structure');
  const input: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(members)) {
    const path = `${prefix}${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given !== undefined && given !== null) input[name] = member.read(given, path, problems);
    else if (member.isRequired) problems.push(told('null', path, 'not be null'));
  }
  return input as InputOf<M>;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
