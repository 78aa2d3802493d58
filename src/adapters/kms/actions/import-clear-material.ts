/**
 * import-clear-material: gives a KMS key bytes that are in clear on this computer, for sources that cannot wrap under KMS's public key. They
 * are wrapped here, and no copy of them is made. Symmetric and HMAC keys only: private keys leave every device here wrapped.
 */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { ClearKey } from '../../../keys/clear-key.ts';
import { materialProblem } from '../../../keys/clear-key-check.ts';
import type { ImportParameters } from '../../../keys/import-parameters.ts';
import { WRAP_MECHANISMS } from '../../../keys/mechanisms.ts';
import { isPublicKey, spkiFromPem, spkiSha256 } from '../../../keys/public-key.ts';
import type { Field } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { block } from '../../actions/action.ts';
import { artifact, key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { isNotYet } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { checkImport, type Import, readParameters } from '../import-call.ts';
import { importableSpec, SPEC_MODELS } from '../key-model.ts';
import { describeKey, inWords } from '../locate.ts';
import { importMechanism, routeProblem } from '../routes.ts';
import { specForSource } from '../spec-for-source.ts';
import type { KmsAction } from './action.ts';
import { likeField } from './arguments.ts';
import {
  checkImportArguments,
  IMPORT_FIELDS,
  IMPORT_OUTPUTS,
  importWrapped,
  reconcileImport,
} from './import-key-material.ts';

function readMaterial(kms: KmsConnection, args: Arguments): ClearKey {
  const { material } = args;
  if (material instanceof ClearKey) return material;
  throw kms.fail(
    'argument-invalid',
    'the argument "material" must be a key in clear, as export-key or get-random gives it.',
  );
}

const article = (spec: string): string => `${/^[EHR]/.test(spec) ? 'an' : 'a'} ${spec} key`;

/** Why these bytes cannot be the material of such a key; null: they may be. */
function problemOf(spec: string | undefined, material: ClearKey): string | null {
  const known = importableSpec(spec);
  const wanted = known === undefined ? null : SPEC_MODELS[known].materialBytes;
  if (known === undefined || wanted === null)
    return `${article(spec ?? '')} takes no material in clear; have its source wrap it`;
  if (material.type === 'des3') return 'triple DES has no counterpart in AWS KMS';
  return materialProblem(article(known), wanted.least, wanted.most, material.reveal());
}

/** RSA-OAEP, MGF1 with the same hash, under the public key that these parameters came with. */
function wrapUnder(kms: KmsConnection, args: Arguments, parameters: ImportParameters, material: ClearKey): Uint8Array {
  const given = args['public-key'];
  if (!isPublicKey(given)) {
    throw kms.fail('argument-invalid', 'the argument "public-key" must be the one that get-import-parameters gave.');
  }
  const spki = spkiFromPem(given.pem);
  if (spkiSha256(spki) !== parameters.spkiSha256) {
    throw kms.fail(
      'argument-invalid',
      'the public key is not that of the import parameters; nothing was wrapped under it.',
    );
  }
  const mechanism = importMechanism(parameters.mechanism);
  if (mechanism === undefined || WRAP_MECHANISMS[mechanism].kind !== 'rsa-oaep') {
    throw kms.fail(
      'argument-invalid',
      `material in clear is wrapped with RSA-OAEP here, not with ${parameters.mechanism}.`,
    );
  }
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const bytes = publicEncrypt({ key, padding, oaepHash: WRAP_MECHANISMS[mechanism].hash }, material.reveal());
  return new Uint8Array(bytes);
}

/** The material, wrapped here under the public key of its parameters. Rejects with `argument-invalid`; nothing was sent. */
export async function wrappedHere(kms: KmsConnection, args: Arguments): Promise<Import> {
  const ref = readKey(args, 'key');
  const parameters = readParameters(kms, args);
  const material = readMaterial(kms, args);
  const { KeySpec: spec } = await describeKey(kms, ref);
  const refuse = (why: string) =>
    kms.fail('argument-invalid', `nothing was imported into the ${inWords(ref.locator)}: ${why}.`);
  const problem = problemOf(spec, material);
  if (problem !== null) throw refuse(`the material is not fit: ${problem}`);
  const { mechanism } = parameters;
  const known = importMechanism(mechanism);
  const way = importableSpec(spec);
  const unfit =
    known === undefined || way === undefined
      ? null
      : routeProblem(way, known, parameters.wrappingKeySpec, material.reveal().length);
  if (unfit !== null) throw refuse(unfit);
  const bytes = wrapUnder(kms, args, parameters, material);
  const wanted: Import = { ref, parameters, wrapped: { kind: 'wrapped-key', mechanism, bytes, payload: null } };
  checkImport(kms, wanted);
  return wanted;
}

/** What the actions that take material in clear are given. */
export const CLEAR_FIELDS: Readonly<Record<string, Field>> = {
  material: artifact('The material, as export-key or get-random gives it'),
  parameters: artifact('The import parameters'),
  'public-key': artifact('The public key that came with them'),
};

function previewOne(args: Arguments): readonly Finding[] {
  const wrong = checkImportArguments(args);
  const like = readKeyIfKnown(args, 'like');
  const spec = like === null ? null : specForSource(like).value;
  const { material } = args;
  if (wrong.length > 0 || isNotYet(material) || !(material instanceof ClearKey) || spec === null) return wrong;
  const problem = problemOf(spec, material);
  return problem === null ? [] : [block(`the material cannot be imported: ${problem}`)];
}

export const importClearMaterial: KmsAction = {
  spec: {
    name: 'import-clear-material',
    summary: 'Import material that is in clear on this computer into a KMS key',
    effect: 'change',
    exposes: 'plaintext',
    input: shape({
      key: key('The KMS key'),
      like: likeField,
      ...CLEAR_FIELDS,
      ...IMPORT_FIELDS,
    }),
    outputs: IMPORT_OUTPUTS,
    quotas: { DescribeKey: 1, ImportKeyMaterial: 1 },
    // Wrapped on the way, so it arrives as all material does; nothing compares it.
    role: { kind: 'unwrap', wrapped: 'material', unwrappingKey: 'parameters', like: 'like', key: 'key' },
  },
  async preview(_kms, calls) {
    return calls.map(previewOne);
  },
  async perform(kms, { args }) {
    return await importWrapped(kms, args, await wrappedHere(kms, args));
  },
  reconcile: reconcileImport,
};
