/**
 * refuse-other-material: the negative control of confirm-material. Random bytes of the right length, wrapped here, must be refused by a
 * KMS key that has material; a service that takes them compares nothing, and its confirmations are worth nothing.
 */
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import type { WrappedKey } from '../../../keys/wrapped-key.ts';
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import type { ActionResult } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { isNamed } from '../errors.ts';
import { currentExpiry } from '../expiry.ts';
import { hasMaterial, isRawMaterial, isSymmetric, materialIdOf, sendImport } from '../import-call.ts';
import { importableSpec, SPEC_MODELS } from '../key-model.ts';
import { describeKey, inWords, keyIdOf } from '../locate.ts';
import { refusedBy } from '../refused-material.ts';
import { ABSENT, type KmsAction } from './action.ts';
import { fetchParameters } from './get-import-parameters.ts';

const WAY = { mechanism: 'rsa-oaep-sha256', wrapping: 'RSA_2048' } as const;

function wrapRandom(spki: Uint8Array, { KeySpec: spec }: KeyMetadata): WrappedKey {
  const known = importableSpec(spec);
  const length = (known === undefined ? null : SPEC_MODELS[known].materialBytes)?.least ?? 32;
  const bytes = publicEncrypt(
    {
      key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
    },
    randomBytes(length),
  );
  return { kind: 'wrapped-key', mechanism: WAY.mechanism, bytes: new Uint8Array(bytes), payload: null };
}

/** Nobody has the random bytes: what a key encrypts with them is lost when they are, so the key is better off empty. */
async function withdraw(kms: KmsConnection, ref: KeyRef): Promise<string> {
  const what = inWords(ref.locator);
  try {
    await kms.callSeen('DeleteImportedKeyMaterial', { KeyId: keyIdOf(kms, ref) }, `delete the material of the ${what}`);
    return 'They were deleted again, so it has no material and cannot be used until that of the source is imported';
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    return 'It may hold them now instead of its own, and they could not be deleted: do not use it, discard it';
  }
}

async function accepted(kms: KmsConnection, ref: KeyRef): Promise<ActionResult> {
  kms.sawOtherMaterial('taken');
  const message =
    `${kms.name}: the ${inWords(ref.locator)} TOOK RANDOM BYTES. ${await withdraw(kms, ref)}. ` +
    'This service does not compare material, so it can prove nothing of a symmetric key';
  return done({}, [{ code: 'verification-failed', message }]);
}

export const refuseOtherMaterial: KmsAction = {
  spec: {
    name: 'refuse-other-material',
    summary: 'Check that a KMS key refuses any material but its own',
    effect: 'change',
    input: shape({ key: key('The KMS key: symmetric or HMAC, with its material in place') }),
    outputs: {
      refusal: {
        type: 'artifact',
        lifetime: 'permanent',
        description:
          'That it was refused: for confirm-material, which then proves something of this key wherever a run goes on',
      },
    },
    quotas: { DescribeKey: 1, GetParametersForImport: 1, ImportKeyMaterial: 1 },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const ready = await kms.awaited(async () => {
      const metadata = await describeKey(kms, ref);
      return hasMaterial(metadata) ? metadata : undefined;
    });
    const what = inWords(ref.locator);
    // Without material it would take the random bytes as its first, for ever.
    if (ready === undefined) throw kms.fail('device-refused', `the ${what} has no material; it was left alone.`);
    if (!isRawMaterial(ready)) {
      throw kms.fail('capability-missing', `the ${what} is asymmetric: compare its public key instead.`);
    }
    const { spki, parameters } = await fetchParameters(kms, ref, WAY);
    const id = materialIdOf(ready);
    const extra = isSymmetric(ready)
      ? ({ ImportType: 'EXISTING_KEY_MATERIAL', ...(id === '' ? {} : { KeyMaterialId: id }) } as const)
      : {};
    try {
      await sendImport(kms, { ref, parameters, wrapped: wrapRandom(spki, ready) }, currentExpiry(ready), extra);
    } catch (error) {
      if (!isNamed(error, 'IncorrectKeyMaterialException')) throw error;
      kms.sawOtherMaterial('refused');
      return done({ refusal: refusedBy(kms, ref) });
    }
    return await accepted(kms, ref);
  },
  /** Whether the bytes were refused only an answer tells; asking again with others does no harm that the first did not. */
  async reconcile() {
    return ABSENT;
  },
};
