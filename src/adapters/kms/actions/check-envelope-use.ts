/**
 * check-envelope-use: uses a KMS key as Amazon EBS does for a volume: a grant bound to the volume's encryption context, a data key without
 * plaintext, its decryption with that context, and none without it. It shows that the key works that way, and nothing of whether it is the
 * source's. https://docs.aws.amazon.com/ebs/latest/userguide/how-ebs-encryption-works.html
 */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { optional, withDefault } from '../../../schema/shape.ts';
import { type Arguments, block, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { Finding, Violation } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';
import { isDenied, isNamed } from '../errors.ts';
import { NOT_READY } from '../fingerprints.ts';
import { type Grant, type GrantRequest, makeGrant, revokeGrant } from '../grants.ts';
import { describeKey, inWords } from '../locate.ts';
import { ABSENT, type KmsAction } from './action.ts';

const PRINCIPAL_PATTERN = '^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[a-zA-Z0-9+=,.@:/_-]{1,220}$';
/** Of an XTS-AES-256 volume key. */
const DATA_KEY_BYTES = 64;

/** null: it can be tried. */
function problemOf({ KeySpec: spec, KeyUsage: usage }: KeyMetadata): string | null {
  if (spec === 'SYMMETRIC_DEFAULT' && usage === 'ENCRYPT_DECRYPT') return null;
  return `services encrypt volumes under symmetric keys only, and this is ${spec} for ${usage}`;
}

/** The account itself: whoever of it may use the key by its policy, and no other account. */
function ownAccount(kms: KmsConnection, { Arn: arn = '' }: KeyMetadata): string {
  const [, partition, account] = /^(arn:[a-z-]+):kms:[a-z0-9-]+:([0-9]{12}):/.exec(arn) ?? [];
  if (partition !== undefined) return `${partition}:iam::${account}:root`;
  throw kms.fail('argument-invalid', 'nothing tells whose account this is; say grantee: with the ARN of a principal.');
}

/** The same for each try with a key: KMS takes a grant of the same name and content for the one that is there. */
function requestOf(kms: KmsConnection, args: Arguments, metadata: KeyMetadata): GrantRequest {
  const grantee = readTextIfGiven(args, 'grantee') ?? ownAccount(kms, metadata);
  if (!new RegExp(PRINCIPAL_PATTERN).test(grantee)) {
    throw kms.fail('argument-invalid', 'the argument "grantee" must be the ARN of a principal of IAM.');
  }
  const keyId = metadata.KeyId ?? '';
  return {
    keyId,
    grantee,
    name: 'keyferry-envelope-check',
    operations: ['Decrypt', 'GenerateDataKeyWithoutPlaintext'],
    context: { 'aws:ebs:id': `vol-keyferry-check-${keyId}` },
  };
}

async function tryOut(kms: KmsConnection, request: GrantRequest, token: string, what: string): Promise<void> {
  const call = { KeyId: request.keyId, GrantTokens: [token] };
  const EncryptionContext = request.context;
  const { CiphertextBlob } = await kms.callSeen(
    'GenerateDataKeyWithoutPlaintext',
    { ...call, EncryptionContext, NumberOfBytes: DATA_KEY_BYTES },
    `make a data key under the ${what}`,
    NOT_READY,
  );
  const decrypt = `decrypt a data key with the ${what}`;
  const { Plaintext } = await kms.callSeen(
    'Decrypt',
    { ...call, EncryptionContext, CiphertextBlob },
    decrypt,
    NOT_READY,
  );
  const length = Plaintext?.length ?? 0;
  Plaintext?.fill(0);
  if (length !== DATA_KEY_BYTES) {
    throw kms.fail('verification-failed', `the ${what} gave back ${length} bytes of a data key of ${DATA_KEY_BYTES}.`);
  }
  try {
    const opened = await kms.callSeen('Decrypt', { ...call, CiphertextBlob }, decrypt, NOT_READY);
    opened.Plaintext?.fill(0);
  } catch (error) {
    // By the ciphertext, or by the grant where nothing else allows the caller to decrypt.
    if (isDenied(error) || isNamed(error, 'InvalidCiphertextException')) return;
    throw error;
  }
  throw kms.fail('verification-failed', `the ${what} decrypts a data key without its encryption context.`);
}

/** What is left when the grant could not be taken away; null: nothing. */
async function leftOver(kms: KmsConnection, request: GrantRequest, grant: Grant, what: string): Promise<string | null> {
  try {
    await revokeGrant(kms, request.keyId, grant);
    return null;
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    return (
      `the grant ${grant.id} of ${request.grantee} on the ${what} may still be there (${error.message}) ` +
      `Revoke it: aws kms revoke-grant --key-id ${request.keyId} --grant-id ${grant.id}`
    );
  }
}

async function previewOne(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  const ref = readKeyIfKnown(args, 'key');
  const problem = ref === null ? null : problemOf(await describeKey(kms, ref));
  return problem === null ? [] : [block(problem)];
}

export const checkEnvelopeUse: KmsAction = {
  spec: {
    name: 'check-envelope-use',
    summary: 'Show that a KMS key works for encrypted volumes; not that it is its source',
    effect: 'change',
    input: shape({
      key: key('The KMS key'),
      service: withDefault(
        { kind: 'enum', values: ['ebs'], description: 'The service whose way of use is tried' },
        'ebs',
      ),
      grantee: optional({
        kind: 'string',
        pattern: PRINCIPAL_PATTERN,
        description:
          'ARN of the principal who gets the grant for the time of the check; absent: the account of the key',
      }),
    }),
    outputs: {
      method: { type: 'string', lifetime: 'permanent', description: 'functional' },
      strength: { type: 'string', lifetime: 'permanent', description: 'none: nothing was compared' },
    },
    quotas: { DescribeKey: 1, CreateGrant: 1, RevokeGrant: 1 },
    role: { kind: 'prove', method: 'method', strength: 'strength' },
  },
  async preview(kms, calls) {
    const all: (readonly Finding[])[] = [];
    for (const args of calls) all.push(await previewOne(kms, args));
    return all;
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    const what = inWords(ref.locator);
    const metadata = await describeKey(kms, ref);
    const problem = problemOf(metadata);
    if (problem !== null) throw kms.fail('capability-missing', `the ${what} was not tried: ${problem}.`);
    const request = requestOf(kms, args, metadata);
    const grant = await makeGrant(kms, request, what);
    let failure: unknown = null;
    try {
      await tryOut(kms, request, grant.token, what);
    } catch (error) {
      failure = error;
    }
    const left = await leftOver(kms, request, grant, what);
    if (failure !== null) throw withLeftover(failure, left);
    const violations: readonly Violation[] =
      left === null ? [] : [{ code: 'attribute-mismatch', message: `${kms.name}: ${left}` }];
    return done({ method: 'functional', strength: 'none' }, violations);
  },
  /** Only an answer proves anything; a repetition takes over the grant that is there, and revokes it. */
  async reconcile() {
    return ABSENT;
  },
};

/** With the grant gone the key is as it was, whatever went wrong before. */
function withLeftover(failure: unknown, left: string | null): unknown {
  if (!(failure instanceof KeyferryError)) return failure;
  const outcome = left === null ? 'not-applied' : 'applied';
  const message = left === null ? failure.message : `${failure.message} Besides, ${left}`;
  return new KeyferryError(failure.code, message, { ...failure.toRecord(), outcome, cause: failure });
}
