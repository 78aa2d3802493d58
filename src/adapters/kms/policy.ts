/**
 * Key policies: the one that the console's wizard writes for external keys, and a look at others before KMS refuses them. A policy that
 * nobody could change again is refused here; whether the caller is among those it names, only KMS knows.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
import type { KeyUsage } from './key-model.ts';
import { partitionOf } from './partitions.ts';

export interface PolicyPeople {
  readonly account: string;
  /** AWS's partition, from the ARN of a key: `aws`, `aws-cn`, … */
  readonly partition: string;
  readonly administrators: readonly string[];
  readonly users: readonly string[];
  readonly usage: KeyUsage;
}

const ADMINISTRATION = [
  'kms:Create*',
  'kms:Describe*',
  'kms:Enable*',
  'kms:List*',
  'kms:Put*',
  'kms:Update*',
  'kms:Revoke*',
  'kms:Disable*',
  'kms:Get*',
  'kms:Delete*',
  // The wizard adds it for keys with external material only.
  'kms:ImportKeyMaterial',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:ScheduleKeyDeletion',
  'kms:CancelKeyDeletion',
];

const USE: Readonly<Record<KeyUsage, readonly string[]>> = {
  ENCRYPT_DECRYPT: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
  SIGN_VERIFY: ['kms:Sign', 'kms:Verify', 'kms:GetPublicKey', 'kms:DescribeKey'],
  GENERATE_VERIFY_MAC: ['kms:GenerateMac', 'kms:VerifyMac', 'kms:DescribeKey'],
  KEY_AGREEMENT: ['kms:DeriveSharedSecret', 'kms:GetPublicKey', 'kms:DescribeKey'],
};

export function wizardPolicy(people: PolicyPeople): string {
  const { account, partition, administrators, users, usage } = people;
  const allow = (
    sid: string,
    principals: readonly string[],
    actions: readonly string[] | string,
    more: object = {},
  ) => ({
    Sid: sid,
    Effect: 'Allow',
    Principal: { AWS: principals },
    Action: actions,
    Resource: '*',
    ...more,
  });
  const statements = [allow('Enable IAM User Permissions', [`arn:${partition}:iam::${account}:root`], 'kms:*')];
  if (administrators.length > 0) {
    statements.push(allow('Allow access for Key Administrators', administrators, ADMINISTRATION));
  }
  if (users.length > 0) {
    statements.push(
      allow('Allow use of the key', users, USE[usage]),
      allow(
        'Allow attachment of persistent resources',
        users,
        ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
        { Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } } },
      ),
    );
  }
  return JSON.stringify({ Version: '2012-10-17', Id: 'key-consolepolicy-3', Statement: statements });
}

const ARN = /^arn:(aws[a-z-]*):(iam|sts)::[0-9]{12}:.+$/;

/** `region`: that of the device. A policy names principals of its own partition only. */
export function principalProblem(arn: string, region: string): string | null {
  const [, partition] = ARN.exec(arn) ?? [];
  if (partition === undefined) return `"${arn}" is no ARN of a principal (arn:aws:iam::ACCOUNT:role/NAME)`;
  const { id } = partitionOf(region);
  return partition === id ? null : `"${arn}" is of the partition ${partition}, and ${region} is in ${id}`;
}

export interface PolicyReview {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Does a pattern of a policy's Action cover this one? Without regard to case; `*` is any text, `?` any character. */
function covers(pattern: unknown, action: string): boolean {
  if (typeof pattern !== 'string') return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(action);
}

const PUT = 'kms:PutKeyPolicy';

function isAbout(statement: Readonly<Record<string, unknown>>): boolean {
  if (statement.NotAction !== undefined) return !listOf(statement.NotAction).some((pattern) => covers(pattern, PUT));
  return listOf(statement.Action).some((pattern) => covers(pattern, PUT));
}

function principalsOf(statement: Readonly<Record<string, unknown>>): readonly string[] {
  const { Principal: principal } = statement;
  if (principal === '*') return ['*'];
  return isObject(principal) ? listOf(principal.AWS).map(String) : [];
}

export function reviewPolicy(text: string, account: string | null): PolicyReview {
  const bad = (problem: string): PolicyReview => ({ problems: [problem], notes: [] });
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return bad('the key policy is not JSON');
  }
  if (Buffer.byteLength(text) > 32_768) return bad('the key policy is longer than 32 KiB');
  const statements = isObject(policy) ? listOf(policy.Statement) : [];
  if (statements.length === 0 || !statements.every(isObject)) return bad('the key policy has no statements');
  const changing = statements.filter(isAbout);
  const isDenied = changing.some(
    (statement) =>
      statement.Effect === 'Deny' && statement.Condition === undefined && principalsOf(statement).includes('*'),
  );
  const allowed = changing.filter(({ Effect }) => Effect === 'Allow').flatMap(principalsOf);
  if (isDenied || allowed.length === 0) {
    return bad('the key policy would lock its author out: it lets nobody change the policy again (kms:PutKeyPolicy)');
  }
  const isWide = allowed.some(
    (principal) => principal === '*' || principal === account || principal.endsWith(`:${account ?? ''}:root`),
  );
  const note =
    'only the principals that the key policy names may change it; AWS KMS refuses it if the caller is none of them';
  return { problems: [], notes: isWide ? [] : [note] };
}
