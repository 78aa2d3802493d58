/** Arguments that only a YubiHSM has: object ids, domains, capabilities. Keys, text and numbers are read as for every device. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type Field, optional, type Shape } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { readTextIfGiven } from '../../actions/arguments.ts';
import { isNotYet } from '../../adapter.ts';
import { objectIdOf } from '../objects/object-id.ts';
import { CAPABILITY_NAMES, type CapabilityName, capabilityMask, isCapabilityName } from '../wire/capabilities.ts';
import { domainsMask } from '../wire/object-types.ts';

export const objectId: Field = optional({
  kind: 'string',
  pattern: '^[0-9a-fA-F]{2,4}$',
  description: 'Object id, up to four hex digits; when absent, keyferry chooses a free one',
});

export const domains: Field = optional({
  kind: 'string',
  pattern: '^(all|\\d{1,2}(,\\d{1,2})*)$',
  description: 'Domains of the new object, as in "1,3", or all; absent: those of the authentication key',
});

const capabilityList: Shape = { kind: 'list', of: { kind: 'enum', values: CAPABILITY_NAMES } };

export const capabilities: Field = optional({
  ...capabilityList,
  description: 'Capabilities of the new object by their names; absent: what its usage needs',
});

/** Of `delegated` alone: whatever the session may hand on. */
const EVERYTHING = 'all';

export const delegated: Field = optional({
  kind: 'list',
  of: { kind: 'enum', values: [...CAPABILITY_NAMES, EVERYTHING] },
  description:
    'What the keys under this wrap key may be able to do; [all]: all that the authentication key may delegate; absent: what the key that it ' +
    'is like can do, else any use of keys',
});

const wrong = (name: string, wanted: string): KeyferryError =>
  new KeyferryError('argument-invalid', `The argument "${name}" must be ${wanted}.`);

export const isGiven = (args: Arguments, name: string): boolean => args[name] !== undefined && !isNotYet(args[name]);

export function readObjectIdIfGiven(args: Arguments, name = 'id'): number | undefined {
  const text = readTextIfGiven(args, name);
  if (text === undefined) return undefined;
  const id = objectIdOf(text);
  if (id === undefined) throw wrong(name, 'an object id: up to four hex digits, not 0000 or ffff');
  return id;
}

export function readDomainsIfGiven(args: Arguments): number | undefined {
  const text = readTextIfGiven(args, 'domains');
  if (text === undefined) return undefined;
  const mask = domainsMask(text);
  if (mask === undefined || mask === 0) throw wrong('domains', 'a list of domains from 1 to 16, or all');
  return mask;
}

/** `all`: what the session may delegate. */
export function readDelegatedIfGiven(args: Arguments, all: bigint): bigint | undefined {
  const { delegated: value } = args;
  if (Array.isArray(value) && value.length === 1 && value[0] === EVERYTHING) return all;
  return readCapabilitiesIfGiven(args, 'delegated');
}

export function readCapabilitiesIfGiven(args: Arguments, name = 'capabilities'): bigint | undefined {
  if (!isGiven(args, name)) return undefined;
  const value = args[name];
  if (!Array.isArray(value)) throw wrong(name, 'a list of capabilities');
  const names = value.map((each): CapabilityName => {
    if (typeof each === 'string' && isCapabilityName(each)) return each;
    throw wrong(name, `a list of capabilities; ${typeof each === 'string' ? `"${each}"` : 'what was given'} is none`);
  });
  return capabilityMask(names);
}
