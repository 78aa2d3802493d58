/**
 * What an unwrap-key step asks for: the object that the wrapped key is to become, as far as the source key, its wrapped bytes and the playbook
 * say it.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { labelHex } from '../../../keys/locator.ts';
import { isWrappedKey, type WrappedKey } from '../../../keys/wrapped-key.ts';
import type { Arguments } from '../../actions/action.ts';
import { readAttributes, readBooleanIfGiven, readKey, readTextIfGiven } from '../../actions/arguments.ts';
import { type ArrivingRights, algorithmFor, objectTypeFor, rightsFor } from '../objects/arrival.ts';
import type { Asked } from '../objects/asked.ts';
import type { Wanted } from '../objects/creation.ts';
import { inWords } from '../objects/locate.ts';
import { objectIdOf } from '../objects/object-id.ts';
import { ALGORITHM } from '../wire/algorithms.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { readCapabilitiesIfGiven, readDomainsIfGiven, readObjectIdIfGiven } from './arguments.ts';

/** After a crash the wrapped key may not be at hand: then what it says of its source is not known and not compared. */
export const readWrapped = (args: Arguments): WrappedKey | null =>
  isWrappedKey(args['wrapped-key']) ? args['wrapped-key'] : null;

export const mechanismOf = (args: Arguments): string | undefined =>
  readTextIfGiven(args, 'mechanism') ?? readWrapped(args)?.mechanism;

function labelOf(args: Arguments): string {
  const label = readTextIfGiven(args, 'label');
  return label === undefined ? readKey(args, 'like').locator.label : labelHex(label);
}

export const NO_TYPE = 'a YubiHSM makes AES, RSA and EC keys of wrapped key material, and no others';

export function wantedOf(args: Arguments): Wanted & { readonly objectType: number } {
  const { locator } = readKey(args, 'like');
  const type = objectTypeFor(locator);
  if (type === null) throw new KeyferryError('argument-invalid', `A ${locator.type} key cannot arrive: ${NO_TYPE}.`);
  const given = readObjectIdIfGiven(args);
  const own = readBooleanIfGiven(args, 'new-id') === true ? undefined : objectIdOf(locator.id);
  return {
    objectType: type,
    objectTypes: [type],
    class: locator.class,
    type: locator.type,
    label: labelOf(args),
    id: given ?? own,
  };
}

export const rightsOf = (args: Arguments): ArrivingRights | null =>
  rightsFor({
    like: readKey(args, 'like'),
    payload: readWrapped(args)?.payload ?? null,
    attributes: { extractable: false, ...readAttributes(args) },
    capabilities: readCapabilitiesIfGiven(args),
  });

/** null: nobody says. */
interface PartlyAsked extends Omit<Asked, 'algorithm' | 'capabilities'> {
  readonly algorithm: number | null;
  readonly capabilities: bigint | null;
}

export function askedOf(hsm: YubiHsm, args: Arguments): PartlyAsked {
  const wanted = wantedOf(args);
  const rights = rightsOf(args);
  // Domains of another YubiHSM that this session is not in mean nothing here.
  const common = (rights?.domains ?? 0) & hsm.authority.domains;
  return {
    type: wanted.objectType,
    algorithm: algorithmFor(readKey(args, 'like'), readWrapped(args)?.payload ?? null, ALGORITHM.ed25519),
    label: wanted.label,
    domains: readDomainsIfGiven(args) ?? (common === 0 ? hsm.authority.domains : common),
    capabilities: rights?.capabilities ?? null,
  };
}

/** Rejects with `argument-invalid` where something is not known. */
export function wholeAsked(hsm: YubiHsm, args: Arguments): Asked {
  const { algorithm, capabilities, ...rest } = askedOf(hsm, args);
  const what = inWords(readKey(args, 'like').locator);
  if (algorithm === null) {
    const hint = 'Name the source key from an inventory, which knows its length and curve.';
    throw hsm.fail('argument-invalid', `how long the ${what} is, or on which curve, is not known.`, { hint });
  }
  if (capabilities === null) {
    const hint = 'Say what it may do with "capabilities" or "attributes".';
    throw hsm.fail('argument-invalid', `what the ${what} may do is not known.`, { hint });
  }
  return { ...rest, algorithm, capabilities };
}
