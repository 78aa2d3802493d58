/**
 * import-key-material: gives a KMS key the material that its source wrapped. Repeating it with the same material is safe: KMS compares it
 * with what the key had first, and refuses any other.
 */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { type Field, optional } from '../../../schema/shape.ts';
import { type Arguments, ambiguous, block, done } from '../../actions/action.ts';
import { artifact, key, readKey, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { ActionCall, ActionResult, Finding, OutputSpec, Reconciliation, Violation } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { currentExpiry, EXPIRES_PATTERN, expiresOn, isExpiryAsAsked, parseExpiry } from '../expiry.ts';
import {
  checkImport,
  hasMaterial,
  type Import,
  isSymmetric,
  materialIdOf,
  readParameters,
  readWrappedKey,
  sendImport,
} from '../import-call.ts';
import { isPendingDeletion } from '../key-model.ts';
import { describeKey, inWords, keyIdOf } from '../locate.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';
import { likeField } from './arguments.ts';

const DESCRIPTION_PATTERN = '^[a-zA-Z0-9:/_\\s.-]{1,256}$';

function result(
  kms: KmsConnection,
  ref: KeyRef,
  metadata: KeyMetadata,
  expires: Date | null | undefined,
): ActionResult {
  const violations: Violation[] = [];
  const violation = (what: string) => {
    violations.push({ code: 'attribute-mismatch', message: `${kms.name}: the ${inWords(ref.locator)} ${what}.` });
  };
  if (!hasMaterial(metadata)) violation(`is ${metadata.KeyState ?? 'in no state'} after its material was imported`);
  if (metadata.Origin !== 'EXTERNAL') violation(`has the origin ${metadata.Origin}`);
  const current = currentExpiry(metadata);
  // Every second counts as the same one: some services keep fractions.
  const isAsAsked = expires === undefined || Math.abs((current?.getTime() ?? 0) - (expires?.getTime() ?? 0)) <= 1000;
  if (!isAsAsked) violation(`expires ${current?.toISOString() ?? 'never'}, not ${expires?.toISOString() ?? 'never'}`);
  return done({ key: ref, key_material_id: materialIdOf(metadata) }, violations);
}

/** The key with its material and expiry, or as it was seen last. */
async function seen(kms: KmsConnection, ref: KeyRef, expires: Date | null): Promise<KeyMetadata> {
  let last = await describeKey(kms, ref);
  await kms.awaited(async () => {
    last = (await kms.describe(keyIdOf(kms, ref))) ?? last;
    const isShown = hasMaterial(last) && (currentExpiry(last)?.getTime() ?? null) === (expires?.getTime() ?? null);
    return isShown ? true : undefined;
  });
  return last;
}

/** What both ways of importing are told of the material. */
export function checkImportArguments(args: Arguments): readonly Finding[] {
  try {
    parseExpiry(readTextIfGiven(args, 'expires'));
    const described = readTextIfGiven(args, 'description');
    return described === undefined || new RegExp(DESCRIPTION_PATTERN).test(described)
      ? []
      : [block('the description of key material may have letters, digits, spaces and : / _ . - only')];
  } catch (error) {
    if (error instanceof KeyferryError) return [block(error.message)];
    throw error;
  }
}

export const IMPORT_FIELDS: Readonly<Record<string, Field>> = {
  expires: optional({
    kind: 'string',
    pattern: EXPIRES_PATTERN,
    description: 'When KMS forgets the material: 90d, 12h, 2027-01-31T00:00:00Z; absent: never',
  }),
  description: optional({
    kind: 'string',
    pattern: DESCRIPTION_PATTERN,
    description: 'Description of the material; symmetric keys only',
  }),
};

export const IMPORT_OUTPUTS: Readonly<Record<string, OutputSpec>> = {
  key: { type: 'key', lifetime: 'permanent', description: 'The KMS key, ready for use' },
  key_material_id: {
    type: 'string',
    lifetime: 'permanent',
    description: 'KMS’s id of the material; empty but for symmetric keys',
  },
};

/** Sends what was checked, once, and waits until the key shows it. */
export async function importWrapped(kms: KmsConnection, args: Arguments, wanted: Import): Promise<ActionResult> {
  const { ref } = wanted;
  const expires = expiresOn(parseExpiry(readTextIfGiven(args, 'expires')));
  const description = readTextIfGiven(args, 'description');
  const isDescribed = description !== undefined && isSymmetric(await describeKey(kms, ref));
  await sendImport(kms, wanted, expires, isDescribed ? { KeyMaterialDescription: description } : {});
  try {
    return result(kms, ref, await seen(kms, ref, expires), expires);
  } catch (cause) {
    if (!(cause instanceof KeyferryError)) throw cause;
    throw new KeyferryError(cause.code, cause.message, { ...cause.toRecord(), outcome: 'unknown', cause });
  }
}

export async function reconcileImport(kms: KmsConnection, { args }: ActionCall): Promise<Reconciliation> {
  const ref = readKey(args, 'key');
  const expiry = parseExpiry(readTextIfGiven(args, 'expires'), 0);
  let last = await describeKey(kms, ref);
  if (isPendingDeletion(last)) return ambiguous(`the ${inWords(ref.locator)} is pending deletion`);
  const landed = await kms.settled(async () => {
    last = (await kms.describe(keyIdOf(kms, ref))) ?? last;
    return hasMaterial(last) && isExpiryAsAsked(last, expiry) ? last : undefined;
  });
  // Of material that is there already with another expiry, the import did not land; with the same, it makes no difference.
  return landed === undefined ? ABSENT : settledAs(result(kms, ref, landed, undefined));
}

export const importKeyMaterial: KmsAction = {
  spec: {
    name: 'import-key-material',
    summary: 'Import wrapped material into a KMS key',
    effect: 'change',
    input: shape({
      key: key('The KMS key'),
      like: likeField,
      'wrapped-key': artifact('The material, wrapped under the public key of the import parameters'),
      parameters: artifact('The import parameters'),
      ...IMPORT_FIELDS,
    }),
    outputs: IMPORT_OUTPUTS,
    quotas: { ImportKeyMaterial: 1 },
    role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'parameters', like: 'like', key: 'key' },
  },
  async preview(_kms, calls) {
    return calls.map(checkImportArguments);
  },
  async perform(kms, { args }) {
    const wanted = {
      ref: readKey(args, 'key'),
      parameters: readParameters(kms, args),
      wrapped: readWrappedKey(kms, args),
    };
    checkImport(kms, wanted);
    return await importWrapped(kms, args, wanted);
  },
  reconcile: reconcileImport,
};
