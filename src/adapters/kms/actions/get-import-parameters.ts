/**
 * get-import-parameters: a wrapping public key of KMS and the token that goes with it, for one import into one KMS key within 24 hours.
 * The slowest call of all by its quota, so everything that could make it useless is looked at before.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { ImportParameters } from '../../../keys/import-parameters.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { modulusBits, type PublicKey, pemFromSpki, rsaFromSpki, spkiSha256 } from '../../../keys/public-key.ts';
import { required, withDefault } from '../../../schema/shape.ts';
import { type Arguments, block, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { type Finding, isNotYet } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { type ImportableSpec, importableSpec, isPendingDeletion } from '../key-model.ts';
import { describeKey, inWords, keyIdOf } from '../locate.ts';
import {
  IMPORT_ALGORITHMS,
  IMPORT_MECHANISMS,
  type ImportMechanism,
  importMechanism,
  routeProblem,
  WRAPPING_BITS,
  WRAPPING_SPECS,
  type WrappingSpec,
} from '../routes.ts';
import { specForSource } from '../spec-for-source.ts';
import type { KmsAction } from './action.ts';
import { likeField } from './arguments.ts';

function readWay(kms: KmsConnection, args: Arguments): { mechanism: ImportMechanism; wrapping: WrappingSpec } {
  const mechanism = importMechanism(readTextIfGiven(args, 'mechanism') ?? '');
  if (mechanism === undefined) {
    throw kms.fail('argument-invalid', `the argument "mechanism" must be one of ${IMPORT_MECHANISMS.join(', ')}.`);
  }
  const given = readTextIfGiven(args, 'wrapping-key-spec') ?? 'RSA_2048';
  const wrapping = WRAPPING_SPECS.find((known) => known === given);
  if (wrapping === undefined) {
    throw kms.fail('argument-invalid', `the argument "wrapping-key-spec" must be one of ${WRAPPING_SPECS.join(', ')}.`);
  }
  return { mechanism, wrapping };
}

/** null: it is no RSA key at all. */
function wrappingBits(spki: Uint8Array): number | null {
  try {
    return modulusBits(rsaFromSpki(spki).modulus);
  } catch (error) {
    if (error instanceof KeyferryError) return null;
    throw error;
  }
}

export async function fetchParameters(
  kms: KmsConnection,
  ref: KeyRef,
  way: { readonly mechanism: ImportMechanism; readonly wrapping: WrappingSpec },
): Promise<{ readonly spki: Uint8Array; readonly parameters: ImportParameters }> {
  const keyId = keyIdOf(kms, ref);
  const { mechanism, wrapping } = way;
  const what = `get import parameters (${IMPORT_ALGORITHMS[mechanism]}, ${wrapping}) for the ${inWords(ref.locator)}`;
  const answer = await kms.callSeen(
    'GetParametersForImport',
    { KeyId: keyId, WrappingAlgorithm: IMPORT_ALGORITHMS[mechanism], WrappingKeySpec: wrapping },
    what,
  );
  const { PublicKey: given, ImportToken: token, ParametersValidTo: until } = answer;
  const refuse = (why: string) => kms.fail('device-refused', `could not ${what}: ${why}.`);
  if (given === undefined || token === undefined || until === undefined) throw refuse('the answer is not complete');
  if (answer.KeyId !== undefined && !answer.KeyId.endsWith(keyId)) throw refuse('the answer is for another key');
  const spki = new Uint8Array(given);
  if (wrappingBits(spki) !== WRAPPING_BITS[wrapping]) throw refuse(`its public key is not ${wrapping}`);
  const parameters = new ImportParameters({
    keyId,
    mechanism,
    wrappingKeySpec: wrapping,
    spkiSha256: spkiSha256(spki),
    token: new Uint8Array(token),
    validUntilMs: until.getTime(),
  });
  return { spki, parameters };
}

function previewOne(kms: KmsConnection, args: Arguments): readonly Finding[] {
  const like = readKeyIfKnown(args, 'like');
  if (like === null || isNotYet(args.mechanism) || isNotYet(args['wrapping-key-spec'])) return [];
  const { mechanism, wrapping } = readWay(kms, args);
  const spec = specForSource(like);
  // Why there is no KMS key for it at all is create-key's to say.
  if (spec.value === null) return [];
  const bits = like.record?.bits ?? 0;
  const problem = routeProblem(spec.value, mechanism, wrapping, bits === 0 ? undefined : bits / 8);
  return problem === null ? [] : [block(problem)];
}

/** Rejects with `capability-missing` before the quota is spent. */
async function checkRoute(kms: KmsConnection, ref: KeyRef, way: ReturnType<typeof readWay>): Promise<void> {
  let metadata = await describeKey(kms, ref);
  // Of a multi-Region key the state may be so for a moment; no material is taken until it is made.
  if (metadata.KeyState === 'Creating') {
    await kms.awaited(async () => {
      metadata = await describeKey(kms, ref);
      return metadata.KeyState === 'Creating' ? undefined : true;
    });
  }
  const what = inWords(ref.locator);
  if (isPendingDeletion(metadata)) throw kms.fail('device-refused', `the ${what} is pending deletion.`);
  if (metadata.Origin !== 'EXTERNAL')
    throw kms.fail('capability-missing', `the ${what} takes no material from outside (origin ${metadata.Origin}).`);
  const spec: ImportableSpec | undefined = importableSpec(metadata.KeySpec);
  const problem =
    spec === undefined
      ? `its spec ${metadata.KeySpec} is not documented for import`
      : routeProblem(spec, way.mechanism, way.wrapping);
  if (problem !== null) throw kms.fail('capability-missing', `the ${what} cannot be imported that way: ${problem}.`);
}

export const getImportParameters: KmsAction = {
  spec: {
    name: 'get-import-parameters',
    summary: 'Get the public key and the token to import material with',
    effect: 'read',
    input: shape({
      key: key('The KMS key that is to receive material'),
      like: likeField,
      mechanism: required({ kind: 'enum', values: IMPORT_MECHANISMS, description: 'How the source will wrap' }),
      'wrapping-key-spec': withDefault(
        { kind: 'enum', values: WRAPPING_SPECS, description: 'Size of the wrapping key' },
        'RSA_2048',
      ),
    }),
    outputs: {
      public_key: { type: 'artifact', lifetime: 'once', description: 'The public key to wrap under' },
      parameters: { type: 'artifact', lifetime: 'once', description: 'The import token and what it is for' },
      spki_sha256: { type: 'string', lifetime: 'once', description: 'SHA-256 of the public key, hex' },
      valid_until: { type: 'string', lifetime: 'once', description: 'When the token expires' },
    },
    quotas: { DescribeKey: 1, GetParametersForImport: 1 },
  },
  async preview(kms, calls) {
    return calls.map((args) => previewOne(kms, args));
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const way = readWay(kms, args);
    await checkRoute(kms, ref, way);
    const { spki, parameters } = await fetchParameters(kms, ref, way);
    const publicKey: PublicKey = { kind: 'public-key', pem: pemFromSpki(spki) };
    return done({
      public_key: publicKey,
      parameters,
      spki_sha256: parameters.spkiSha256,
      valid_until: new Date(parameters.validUntilMs).toISOString(),
    });
  },
};
