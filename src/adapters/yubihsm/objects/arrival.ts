/**
 * A key from elsewhere as an object of this device: its type and algorithm, its name as far as a YubiHSM can bear it, and its rights. What the
 * source could do and a YubiHSM's key cannot is said, not hidden.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyAttributes } from '../../../keys/attributes.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import type { Curve } from '../../../keys/key-spec.ts';
import type { WrappedPayload } from '../../../keys/wrapped-key.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { AES_ALGORITHM, CURVE_ALGORITHM, RSA_ALGORITHM } from './object-kinds.ts';
import { type ObjectRights, rightsFromText } from './rights-text.ts';
import { capabilitiesFor } from './usage.ts';

/** null: a YubiHSM has no such object that could be made from wrapped key material. */
export function objectTypeFor({ class: keyClass, type }: KeyRef['locator']): number | null {
  if (keyClass === 'secret' && type === 'aes') return OBJECT_TYPE['symmetric-key'];
  return keyClass === 'private' && type !== 'des3' ? OBJECT_TYPE['asymmetric-key'] : null;
}

const ED25519_BITS = 256;

/** null: nobody says how long the key is, or on which curve. Throws `argument-invalid` for a length that a YubiHSM does not have. */
export function algorithmFor(like: KeyRef, payload: WrappedPayload | null, ed25519: number): number | null {
  const { type } = like.locator;
  const bits = payload?.bits || like.record?.bits || 0;
  const curve: Curve | undefined = payload?.curve ?? like.record?.curve;
  if (type === 'ec') return curve === undefined ? unnamedCurve(bits) : CURVE_ALGORITHM[curve];
  if (bits === 0) return null;
  if (type === 'other') return bits === ED25519_BITS ? ed25519 : null;
  const table = type === 'aes' ? AES_ALGORITHM : RSA_ALGORITHM;
  const found = table[bits];
  if (found !== undefined) return found;
  const lengths = Object.keys(table).join(', ');
  throw new KeyferryError('argument-invalid', `A YubiHSM has no ${type} key of ${bits} bits, only ${lengths}.`);
}

/** 256 bits may be P-256 or secp256k1. */
function unnamedCurve(bits: number): number | null {
  if (bits === 384) return CURVE_ALGORITHM['P-384'];
  return bits === 521 ? CURVE_ALGORITHM['P-521'] : null;
}

export interface ArrivingRights extends Partial<Pick<ObjectRights, 'domains'>> {
  readonly capabilities: bigint;
  /** Of the source key's usage: what it cannot do here. */
  readonly lost: readonly string[];
}

export interface RightsRequest {
  readonly like: KeyRef;
  readonly payload: WrappedPayload | null;
  /** What the playbook says: wins over the source. */
  readonly attributes: KeyAttributes;
  readonly capabilities: bigint | undefined;
}

const EXPORTABLE = capabilityMask(['exportable-under-wrap']);

/** null: nobody knows what the source key may do. */
export function rightsFor({ like, payload, attributes, capabilities }: RightsRequest): ArrivingRights | null {
  const exportable = attributes.extractable === true ? EXPORTABLE : 0n;
  const native = rightsFromText(payload?.rights);
  if (capabilities !== undefined) {
    return {
      capabilities: capabilities | exportable,
      lost: [],
      ...(native === undefined ? {} : { domains: native.domains }),
    };
  }
  // Another YubiHSM's own words are exact, unless the playbook changes the usage.
  const { extractable: _asked, ...usageAsked } = attributes;
  if (native !== undefined && Object.keys(usageAsked).length === 0) {
    return { capabilities: (native.capabilities & ~EXPORTABLE) | exportable, domains: native.domains, lost: [] };
  }
  const usage = payload?.usage ?? like.record?.attributes;
  if (usage === undefined && Object.keys(usageAsked).length === 0) return null;
  const { extractable: _had, ...sourceUsage } = usage ?? {};
  const { capabilities: found, lacking } = capabilitiesFor(like.locator.type, { ...sourceUsage, ...attributes });
  return { capabilities: found, lost: lacking, ...(native === undefined ? {} : { domains: native.domains }) };
}
