/**
 * confirm-material and confirm-clear-material: KMS itself says whether it holds what the source has now. The same key is imported again: KMS
 * compares it with the material that it has and refuses any other, without a change. refuse-other-material shows that it does refuse.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type Field, optional } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { artifact, key, readKey, shape } from '../../actions/arguments.ts';
import type { ActionResult, Reconciliation } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { isNamed } from '../errors.ts';
import { currentExpiry } from '../expiry.ts';
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
import { describeKey, inWords } from '../locate.ts';
import { type RefusedMaterial, readControl } from '../refused-material.ts';
import { ABSENT, type KmsAction } from './action.ts';
import { CLEAR_FIELDS, wrappedHere } from './import-clear-material.ts';

async function confirm(
  kms: KmsConnection,
  wanted: Import,
  control: RefusedMaterial | undefined,
): Promise<ActionResult> {
  const { ref } = wanted;
  const ready = await kms.awaited(async () => {
    const metadata = await describeKey(kms, ref);
    return hasMaterial(metadata) ? metadata : undefined;
  });
  const what = inWords(ref.locator);
  // Without material there is nothing to compare with, and the import would be one.
  if (ready === undefined) throw kms.fail('device-refused', `the ${what} has no material to compare with.`);
  const id = materialIdOf(ready);
  const extra = isSymmetric(ready)
    ? ({ ImportType: 'EXISTING_KEY_MATERIAL', ...(id === '' ? {} : { KeyMaterialId: id }) } as const)
    : {};
  try {
    const { KeyMaterialId: imported } = await sendImport(kms, wanted, currentExpiry(ready), extra);
    if (imported !== undefined && id !== '' && imported !== id) {
      throw kms.fail('verification-failed', `the ${what} took the material as ${imported}, not as its own ${id}.`, {
        outcome: 'applied',
      });
    }
  } catch (error) {
    if (!isNamed(error, 'IncorrectKeyMaterialException')) throw error;
    throw new KeyferryError('verification-failed', `${kms.name}: the ${what} does not hold what the source has.`, {
      device: kms.name,
      operation: 'ImportKeyMaterial',
      outcome: 'not-applied',
      native: { name: 'IncorrectKeyMaterialException' },
      cause: error,
    });
  }
  // A service that takes any material took this one too.
  if (!kms.isComparing(control !== undefined))
    return done({ method: 'same-material re-import without control', strength: 'none' });
  return done({ method: 'same-material re-import', strength: 'strong' });
}

const PROOF = {
  effect: 'change',
  outputs: {
    method: { type: 'string', lifetime: 'permanent', description: 'same-material re-import' },
    strength: {
      type: 'string',
      lifetime: 'permanent',
      description: 'strong; none on a service of which nobody knows whether it compares',
    },
  },
  role: { kind: 'prove', method: 'method', strength: 'strength' },
} as const;

const CONTROL: Field = optional({
  kind: 'opaque',
  type: 'artifact',
  description: 'That this key refused other material, as refuse-other-material gives it',
});

/** Only an answer proves anything, and a repetition changes nothing. */
const reconcile = async (): Promise<Reconciliation> => ABSENT;

export const confirmMaterial: KmsAction = {
  spec: {
    ...PROOF,
    name: 'confirm-material',
    summary: 'Prove by importing again that KMS holds what the source wraps',
    input: shape({
      key: key('The KMS key'),
      'wrapped-key': artifact('The source key, wrapped once more'),
      parameters: artifact('Import parameters of its own'),
      control: CONTROL,
    }),
    quotas: { DescribeKey: 1, ImportKeyMaterial: 1 },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const wanted = { ref, parameters: readParameters(kms, args), wrapped: readWrappedKey(kms, args) };
    const control = readControl(kms, args, ref);
    checkImport(kms, wanted);
    return await confirm(kms, wanted, control);
  },
  reconcile,
};

export const confirmClearMaterial: KmsAction = {
  spec: {
    ...PROOF,
    name: 'confirm-clear-material',
    summary: 'Prove by importing again that KMS holds the material that is in clear on this computer',
    exposes: 'plaintext',
    input: shape({ key: key('The KMS key'), ...CLEAR_FIELDS, control: CONTROL }),
    quotas: { DescribeKey: 2, ImportKeyMaterial: 1 },
  },
  async perform(kms, { args }) {
    const control = readControl(kms, args, readKey(args, 'key'));
    return await confirm(kms, await wrappedHere(kms, args), control);
  },
  reconcile,
};
