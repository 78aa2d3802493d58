/** What the actions that make objects share: their arguments, and the rights of the new object from them. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyAttributes } from '../../../keys/attributes.ts';
import type { KeyType } from '../../../keys/key-spec.ts';
import { labelHex } from '../../../keys/locator.ts';
import { type Field, optional } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import {
  attributes,
  label,
  readAttributes,
  readBooleanIfGiven,
  readKeyIfKnown,
  readTextIfGiven,
} from '../../actions/arguments.ts';
import { locate } from '../objects/locate.ts';
import { capabilitiesFor, KEY_CAPABILITIES, USUAL } from '../objects/usage.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import type { YubiHsm } from '../yubihsm.ts';
import {
  capabilities,
  delegated,
  domains,
  objectId,
  readCapabilitiesIfGiven,
  readDelegatedIfGiven,
  readDomainsIfGiven,
} from './arguments.ts';

/** Of every new object. */
export const NEW_OBJECT: Readonly<Record<string, Field>> = { label, id: objectId, domains };
/** Of new keys. */
export const NEW_KEY: Readonly<Record<string, Field>> = { ...NEW_OBJECT, attributes, capabilities };
/** Of new wrap keys. */
export const NEW_WRAP_KEY: Readonly<Record<string, Field>> = {
  ...NEW_OBJECT,
  delegated,
  like: optional({
    kind: 'opaque',
    type: 'key',
    description:
      'A key on this device that is to leave under it: exactly its capabilities are delegated, in its domains',
  }),
};

/** Hex; empty while it is not known yet. */
export const labelOf = (args: Arguments): string => labelHex(readTextIfGiven(args, 'label') ?? '');

export const domainsOf = (hsm: YubiHsm, args: Arguments): number => readDomainsIfGiven(args) ?? hsm.authority.domains;

export interface Rights {
  readonly capabilities: bigint;
  /** What was asked for and a YubiHSM cannot give to such a key. */
  readonly problems: readonly string[];
}

/** Named capabilities win over attributes. `extractable` adds to either. */
export function rightsOf(type: KeyType, args: Arguments, usual: KeyAttributes = USUAL[type] ?? {}): Rights {
  const asked: KeyAttributes = {
    ...usual,
    extractable: readBooleanIfGiven(args, 'extractable') ?? false,
    ...readAttributes(args),
  };
  const translated = capabilitiesFor(type, asked);
  const named = readCapabilitiesIfGiven(args);
  const lacking = [
    ...(named === undefined ? translated.lacking : []),
    ...(asked.sensitive === false ? ['sensitive=false'] : []),
    ...(asked.private === false ? ['private=false'] : []),
  ];
  const exportable = asked.extractable === true ? capabilityMask(['exportable-under-wrap']) : 0n;
  return {
    capabilities: named === undefined ? translated.capabilities : named | exportable,
    problems: lacking.map((name) => `a key of type ${type} on a YubiHSM cannot be made with ${name}`),
  };
}

/** What a new wrap key delegates: as told, else what the key that it is like can do, else any use of keys that the session may give. */
export async function delegationOf(
  hsm: YubiHsm,
  args: Arguments,
): Promise<{ readonly delegated: bigint; readonly domains: number }> {
  const like = readKeyIfKnown(args, 'like');
  const told = readDelegatedIfGiven(args, hsm.authority.delegated);
  const found = like === null ? null : (await locate(hsm, like)).info;
  return {
    delegated: told ?? found?.capabilities ?? KEY_CAPABILITIES & hsm.authority.delegated,
    domains:
      readDomainsIfGiven(args) ?? (found === null ? hsm.authority.domains : found.domains & hsm.authority.domains),
  };
}

export function choose<Value>(
  table: Readonly<Record<string | number, Value>>,
  choice: string | number,
  what: string,
): Value {
  const found = Object.hasOwn(table, choice) ? table[choice] : undefined;
  if (found !== undefined) return found;
  throw new KeyferryError(
    'argument-invalid',
    `A YubiHSM has no ${what} of ${choice}, only ${Object.keys(table).join(', ')}.`,
  );
}
