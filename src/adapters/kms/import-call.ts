/** ImportKeyMaterial, as all its actions make it: what can be seen to be wrong is refused before the call, the expiry is always said. */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { ImportParameters } from '../../keys/import-parameters.ts';
import type { KeyRef } from '../../keys/key-record.ts';
import { isWrappedKey, type WrappedKey } from '../../keys/wrapped-key.ts';
import type { Arguments } from '../actions/action.ts';
import type { KmsConnection } from './connection.ts';
import { expiryInput } from './expiry.ts';
import { modelOf } from './key-model.ts';
import { inWords, keyIdOf } from './locate.ts';
import type { Input, Output } from './operations.ts';
import { blobProblem, importMechanism } from './routes.ts';

/** A token this close to its end is not used any more. */
const LAST_MINUTES_MS = 5 * 60_000;

export function readParameters(kms: KmsConnection, args: Arguments): ImportParameters {
  const value = args.parameters;
  if (value instanceof ImportParameters) return value;
  throw kms.fail('argument-invalid', 'the argument "parameters" must be what get-import-parameters gave.');
}

export function readWrappedKey(kms: KmsConnection, args: Arguments): WrappedKey {
  const value = args['wrapped-key'];
  if (isWrappedKey(value)) return value;
  throw kms.fail('argument-invalid', 'the argument "wrapped-key" must be a wrapped key.');
}

export interface Import {
  readonly ref: KeyRef;
  readonly parameters: ImportParameters;
  readonly wrapped: WrappedKey;
}

/** Rejects with `argument-invalid` or `import-parameters-expired`; nothing was sent. */
export function checkImport(kms: KmsConnection, { ref, parameters, wrapped }: Import, nowMs = Date.now()): void {
  const what = inWords(ref.locator);
  const refuse = (why: string) => kms.fail('argument-invalid', `nothing was imported into the ${what}: ${why}.`);
  if (parameters.keyId !== keyIdOf(kms, ref)) throw refuse(`the import parameters are for the key ${parameters.keyId}`);
  const mechanism = importMechanism(parameters.mechanism);
  if (mechanism === undefined || wrapped.mechanism !== mechanism) {
    throw refuse(
      `the key was wrapped with ${wrapped.mechanism}, and the import parameters are for ${parameters.mechanism}`,
    );
  }
  if (parameters.validUntilMs - nowMs < LAST_MINUTES_MS) {
    const end = new Date(parameters.validUntilMs).toISOString();
    throw kms.fail(
      'import-parameters-expired',
      `nothing was imported into the ${what}: its import parameters end at ${end}.`,
    );
  }
  const problem = blobProblem(wrapped.bytes, mechanism, parameters.wrappingKeySpec) ?? payloadProblem(ref, wrapped);
  if (problem !== null) throw refuse(problem);
}

function payloadProblem({ locator }: KeyRef, { payload }: WrappedKey): string | null {
  if (payload === null) return null;
  if (payload.class !== locator.class || payload.type !== locator.type) {
    return `a wrapped ${payload.class} key of type ${payload.type} cannot become a ${locator.class} key of type ${locator.type}`;
  }
  const isOtherSize = payload.type === 'aes' && payload.bits !== 0 && payload.bits !== 256;
  return isOtherSize ? `a wrapped AES-${payload.bits} key is none of 32 bytes` : null;
}

type Extra = Pick<Input<'ImportKeyMaterial'>, 'ImportType' | 'KeyMaterialId' | 'KeyMaterialDescription'>;

/** Goes out once. `expires`: null for never. */
export async function sendImport(
  kms: KmsConnection,
  { ref, parameters, wrapped }: Import,
  expires: Date | null,
  extra: Extra = {},
): Promise<Output<'ImportKeyMaterial'>> {
  const input = {
    KeyId: parameters.keyId,
    ImportToken: parameters.token(),
    EncryptedKeyMaterial: wrapped.bytes,
    ...expiryInput(expires),
    ...extra,
  };
  return await kms.callSeen('ImportKeyMaterial', input, `import material into the ${inWords(ref.locator)}`);
}

export const isSymmetric = ({ KeySpec: spec }: KeyMetadata): boolean => spec === 'SYMMETRIC_DEFAULT';

/** Keys whose material is bytes, not a structure: any bytes of the right length would do. */
export const isRawMaterial = ({ KeySpec: spec }: KeyMetadata): boolean => modelOf(spec).class === 'secret';

/** The material that a symmetric key works with; the other kinds have no such id. */
export const materialIdOf = (metadata: KeyMetadata): string => metadata.CurrentKeyMaterialId ?? '';

export const hasMaterial = ({ KeyState: state }: KeyMetadata): boolean => state === 'Enabled' || state === 'Disabled';
