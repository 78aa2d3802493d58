/** Objects on their way out of and into the device under a wrap key: the rules for who may leave and come, and the bytes in between. */
import { ALGORITHM, isEd25519 } from '../wire/algorithms.ts';
import { hasCapability } from '../wire/capabilities.ts';
import { ORIGIN } from '../wire/object-types.ts';
import { decodeDelegatingBody, encodeDelegatingBody } from '../wire/wrapped-body.ts';
import { decodeWrappedObject, encodeWrappedObject, type WrappedObject } from '../wire/wrapped-object.ts';
import type { CommandContext } from './command-context.ts';
import { isMaterial } from './key-material.ts';
import { refuse } from './refusal.ts';
import { hasDelegated, type StoredObject } from './stored-object.ts';

/** Scalar, prefix and point: what leaves without the seed. */
const ED25519_WITHOUT_SEED = 96;

/** The target of an export, by type and id, if it may leave under `wrapKey`. */
export function exportable(context: CommandContext, wrapKey: StoredObject, type: number, id: number): StoredObject {
  const target = context.object(type, id);
  if (!hasCapability(target.capabilities, 'exportable-under-wrap')) refuse('insufficient-permissions');
  if ((target.domains & wrapKey.domains) === 0) refuse('insufficient-permissions');
  context.requireWithin(target.capabilities, wrapKey.delegated);
  return target;
}

export interface Serialisation {
  readonly wrapAlgorithm: number;
  /** Of an Ed25519 key: without it the key works on a YubiHSM and cannot be had anywhere else. */
  readonly withSeed: boolean;
}

export function serialise(object: StoredObject, { wrapAlgorithm, withSeed }: Serialisation): Uint8Array {
  const isExpanded = isEd25519(object.algorithm);
  if (isExpanded && withSeed && object.material.length === ED25519_WITHOUT_SEED) refuse('invalid-data');
  const key = isExpanded && !withSeed ? object.material.slice(0, ED25519_WITHOUT_SEED) : object.material;
  const body = hasDelegated(object.type) ? encodeDelegatingBody({ delegatedCapabilities: object.delegated, key }) : key;
  return encodeWrappedObject({ ...object, wrapAlgorithm, body });
}

/** Stores what was inside a blob, if `wrapKey` may bring it in, in those of its domains that the wrap key has too. */
export function admitWrapped(context: CommandContext, wrapKey: StoredObject, plaintext: Uint8Array): StoredObject {
  const wrapped = decode(plaintext);
  const { type, algorithm } = wrapped;
  const { delegatedCapabilities: delegated, key: material } = hasDelegated(type)
    ? decodeDelegatingBody(wrapped.body)
    : { delegatedCapabilities: 0n, key: wrapped.body };
  context.requireAlgorithm(algorithm);
  if (wrapped.id === 0 || !isMaterial(type, algorithm, material)) refuse('invalid-data');
  context.requireWithin(wrapped.capabilities, wrapKey.delegated);
  const domains = wrapped.domains & wrapKey.domains;
  if ((domains & context.session.domains) === 0) refuse('insufficient-permissions');
  const { label, capabilities } = wrapped;
  return context.store({
    ...{ type, algorithm, label, domains, capabilities, delegated, material },
    id: context.freeId(type, wrapped.id),
    origin: wrapped.origin | ORIGIN.importedWrapped,
  });
}

function decode(plaintext: Uint8Array): WrappedObject {
  try {
    return decodeWrappedObject(plaintext);
  } catch {
    return refuse('invalid-data');
  }
}

/** Stands in an RSA wrapped object where the wrap key's algorithm stands in a CCM wrapped one. */
export const RSA_WRAP_ALGORITHM: number = ALGORITHM['aes-kwp'];
