/** Arguments of actions: the shapes that several share, and readers that refuse what is not of the shape with `argument-invalid`. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import {
  ATTRIBUTE_NAMES,
  type AttributeName,
  attributeFromKebab,
  type KeyAttributes,
  kebabName,
} from '../../keys/attributes.ts';
import { isKeyRef, type KeyRef } from '../../keys/key-record.ts';
import { WRAP_MECHANISMS } from '../../keys/mechanisms.ts';
import { type Field, type ObjectShape, optional, required, type Shape } from '../../schema/shape.ts';
import { isNotYet } from '../adapter.ts';
import type { Arguments } from './action.ts';

/** Where an object is, what is true of its past, and what only the security officer says. */
const NOT_ASKED: readonly AttributeName[] = ['token', 'alwaysSensitive', 'neverExtractable', 'local', 'trusted'];

/** What a playbook may ask of a new key. */
const SETTABLE = ATTRIBUTE_NAMES.filter((name) => !NOT_ASKED.includes(name));

export const shape = (fields: Readonly<Record<string, Field>>): ObjectShape => ({ kind: 'object', fields });
export const key = (description: string): Field => required({ kind: 'opaque', type: 'key', description });
export const artifact = (description: string): Field => required({ kind: 'opaque', type: 'artifact', description });
export const label: Field = required({ kind: 'string', description: 'Label of the new object' });
export const id: Field = optional({
  kind: 'string',
  pattern: '^([0-9a-fA-F]{2}){1,64}$',
  description: 'Object id in hex; when absent, keyferry chooses a unique one',
});
export const mechanism: Shape = {
  kind: 'enum',
  values: Object.keys(WRAP_MECHANISMS),
  description: 'Wrapping mechanism',
};
export const attributes: Field = optional({
  kind: 'object',
  description: 'Attributes of the new key that are not to be the default',
  fields: Object.fromEntries(SETTABLE.map((name) => [kebabName(name), optional({ kind: 'boolean' })])),
});

const wrong = (name: string, wanted: string): KeyferryError =>
  new KeyferryError('argument-invalid', `The argument "${name}" must be ${wanted}.`);

export function readKey(args: Arguments, name: string): KeyRef {
  const value = args[name];
  if (!isKeyRef(value)) throw wrong(name, 'a key');
  return value;
}

/** null for a key that is yet to be made. */
export function readKeyIfKnown(args: Arguments, name: string): KeyRef | null {
  return isNotYet(args[name]) || args[name] === undefined ? null : readKey(args, name);
}

export function readText(args: Arguments, name: string): string {
  const value = args[name];
  if (typeof value !== 'string') throw wrong(name, 'text');
  return value;
}

export function readTextIfGiven(args: Arguments, name: string): string | undefined {
  return args[name] === undefined || isNotYet(args[name]) ? undefined : readText(args, name);
}

export function readIdIfGiven(args: Arguments): string | undefined {
  const value = readTextIfGiven(args, 'id');
  if (value === undefined) return undefined;
  if (!/^([0-9a-f]{2}){1,64}$/i.test(value)) throw wrong('id', 'pairs of hex digits');
  return value.toLowerCase();
}

export function readInteger(args: Arguments, name: string): number {
  const value = args[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrong(name, 'an integer');
  return value;
}

export function readIntegerIfGiven(args: Arguments, name: string): number | undefined {
  return args[name] === undefined || isNotYet(args[name]) ? undefined : readInteger(args, name);
}

export function readBooleanIfGiven(args: Arguments, name: string): boolean | undefined {
  const value = args[name];
  if (value === undefined || isNotYet(value)) return undefined;
  if (typeof value !== 'boolean') throw wrong(name, 'true or false');
  return value;
}

/** By attribute name; values that are not known yet are left out. */
export function readAttributes(args: Arguments): KeyAttributes {
  const given = args.attributes;
  const read: { [name in AttributeName]?: boolean } = {};
  if (given === undefined || isNotYet(given)) return read;
  if (typeof given !== 'object' || given === null) throw wrong('attributes', 'a map of attributes');
  for (const [kebab, value] of Object.entries(given)) {
    const name = attributeFromKebab(kebab);
    if (name === undefined || !SETTABLE.includes(name)) {
      throw wrong('attributes', `a map of attributes that can be asked of a new key; "${kebab}" is none`);
    }
    if (isNotYet(value)) continue;
    if (typeof value !== 'boolean') throw wrong(`attributes.${kebab}`, 'true or false');
    read[name] = value;
  }
  return read;
}
