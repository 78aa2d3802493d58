/**
 * Key policies: kept and given back as they came; read far enough to refuse what is no policy, names principals in no form that AWS knows,
 * or would lock its author out. Not enforced on calls.
 */
import { accountArn, type Place } from './key-record.ts';
import { refuse } from './service-error.ts';

export const POLICY_NAME = 'default';
const MAX_BYTES = 32 * 1024;

export const defaultPolicy = (place: Place): string =>
  JSON.stringify(
    {
      Version: '2012-10-17',
      Id: 'key-default-1',
      Statement: [
        {
          Sid: 'Enable IAM User Permissions',
          Effect: 'Allow',
          Principal: { AWS: accountArn(place) },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    },
    null,
    2,
  );

interface Statement {
  readonly isAllow: boolean;
  readonly principals: readonly string[];
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** NotAction, NotPrincipal, NotResource, Condition: what the statement really says is not worked out. */
  readonly isConditional: boolean;
}

export interface PolicyCheck {
  readonly place: Place;
  readonly callerArn: string;
  /** Does the caller accept to be locked out? */
  readonly isBypassed: boolean;
}

/** Throws ServiceError `MalformedPolicyDocumentException` or `LimitExceededException`. */
export function requirePolicy(text: string, { place, callerArn, isBypassed }: PolicyCheck): void {
  if (Buffer.byteLength(text, 'utf8') > MAX_BYTES) refuse('LimitExceededException', 'The key policy is too long.');
  const statements = readStatements(text);
  for (const { principals } of statements)
    for (const principal of principals)
      if (!PRINCIPAL.test(principal)) malformed('Policy contains a statement with one or more invalid principals.');
  if (isBypassed) return;
  const covers = ({ principals, actions, resources }: Statement): boolean =>
    principals.some((principal) => isCaller(principal, place, callerArn)) &&
    actions.some((action) => matches(action, 'kms:PutKeyPolicy')) &&
    resources.some((resource) => resource === '*' || resource.startsWith('arn:'));
  const isAllowed = statements.some((one) => one.isAllow && !one.isConditional && covers(one));
  const isDenied = statements.some((one) => !one.isAllow && !one.isConditional && covers(one));
  if (!isAllowed || isDenied)
    malformed('The new key policy will not allow you to update the key policy in the future.');
}

const malformed = (message: string): never => refuse('MalformedPolicyDocumentException', message);

/** `*`, an account, an ARN, a service. */
const PRINCIPAL =
  /^(\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)\/.+)|[a-z0-9.-]+\.amazonaws\.com(\.cn)?)$/;

function isCaller(principal: string, place: Place, callerArn: string): boolean {
  // An account stands for everybody whom it gives the right to; the simulated caller has every right of IAM.
  return ['*', place.account, accountArn(place), callerArn].includes(principal);
}

function matches(pattern: string, action: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(action);
}

function readStatements(text: string): readonly Statement[] {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return malformed('The policy is not valid JSON.');
  }
  const fields = record(policy);
  if (fields.Version !== undefined && fields.Version !== '2012-10-17' && fields.Version !== '2008-10-17')
    malformed('The policy has an unknown Version.');
  const list: readonly unknown[] = Array.isArray(fields.Statement) ? fields.Statement : [fields.Statement];
  return list.map((one) => readStatement(record(one)));
}

function readStatement(fields: Readonly<Record<string, unknown>>): Statement {
  const { Effect: effect } = fields;
  if (effect !== 'Allow' && effect !== 'Deny') return malformed('A statement has no Effect of Allow or Deny.');
  const has = (name: string): boolean => fields[name] !== undefined;
  if (!has('Principal') && !has('NotPrincipal')) malformed('A statement has no Principal.');
  if (!has('Action') && !has('NotAction')) malformed('A statement has no Action.');
  if (!has('Resource') && !has('NotResource')) malformed('A statement has no Resource.');
  return {
    isAllow: effect === 'Allow',
    principals: has('Principal') ? principalsOf(fields.Principal) : [],
    actions: has('Action') ? texts(fields.Action) : [],
    resources: has('Resource') ? texts(fields.Resource) : [],
    isConditional: ['NotPrincipal', 'NotAction', 'NotResource', 'Condition'].some(has),
  };
}

function principalsOf(value: unknown): readonly string[] {
  if (value === '*') return ['*'];
  return Object.entries(record(value)).flatMap(([kind, named]) =>
    ['AWS', 'Service', 'Federated', 'CanonicalUser'].includes(kind)
      ? texts(named)
      : malformed(`A statement has a Principal of unknown kind ${kind}.`),
  );
}

function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) => (typeof one === 'string' ? one : malformed('A statement has a value that is no text.')));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return malformed('The policy is not an object with statements.');
  return value as Readonly<Record<string, unknown>>;
}
