/** One line of an inventory from what a key says of itself: may it leave, and if not, why. */
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import { labelText } from '../../keys/locator.ts';
import type { KeyFacts } from './key-facts.ts';
import type { Token } from './token.ts';

/** Why the key may not leave the device under any wrapping key; null when it may. */
export function whyNotExportable(token: Token, facts: KeyFacts): string | null {
  if (facts.class === 'public') return null;
  if (facts.attributes.extractable !== true) {
    return facts.attributes.extractable === undefined
      ? 'the device does not say that it is extractable'
      : 'not extractable';
  }
  if (facts.class === 'private' && !token.profile.privateKeyWrapping.allowed) {
    return token.profile.privateKeyWrapping.reason;
  }
  if (facts.attributes.wrapWithTrusted === true) return 'may be wrapped by a trusted wrapping key only';
  if (facts.type === 'other') return 'of a type that keyferry does not know';
  return null;
}

export function recordOf(
  token: Token,
  facts: KeyFacts,
  kcv: string | null,
  fingerprint: Fingerprint | null,
): KeyRecord {
  const text = labelText(facts.label);
  const reason = whyNotExportable(token, facts);
  return {
    locator: token.ref(facts, fingerprint).locator,
    handle: facts.handle.toString(),
    label: text ?? facts.label,
    labelIsHex: text === undefined,
    id: facts.id,
    class: facts.class,
    type: facts.type,
    bits: facts.bits,
    ...(facts.curve === undefined ? {} : { curve: facts.curve }),
    kcv,
    attributes: facts.attributes,
    exportable: reason === null,
    reason,
  };
}
