/** What refuse-other-material leaves for the confirmation of the same key: that KMS refused other material. The journal keeps it. */
import type { KeyRef } from '../../keys/key-record.ts';
import type { Arguments } from '../actions/action.ts';
import type { KmsConnection } from './connection.ts';
import { inWords, keyIdOf } from './locate.ts';

const KIND = 'refused-material';

export interface RefusedMaterial {
  readonly kind: typeof KIND;
  /** KeyId of the key that refused it. */
  readonly keyId: string;
}

export const refusedBy = (kms: KmsConnection, ref: KeyRef): RefusedMaterial => ({
  kind: KIND,
  keyId: keyIdOf(kms, ref),
});

/** Rejects with `argument-invalid` where it is something else, or another key's. */
export function readControl(kms: KmsConnection, args: Arguments, ref: KeyRef): RefusedMaterial | undefined {
  const value = args.control;
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || !('kind' in value) || value.kind !== KIND || !('keyId' in value)) {
    throw kms.fail('argument-invalid', 'the argument "control" must be what refuse-other-material gave.');
  }
  if (value.keyId !== keyIdOf(kms, ref)) {
    throw kms.fail(
      'argument-invalid',
      `nothing was imported into the ${inWords(ref.locator)}: the control is of the key ${value.keyId}.`,
    );
  }
  return { kind: KIND, keyId: value.keyId };
}
