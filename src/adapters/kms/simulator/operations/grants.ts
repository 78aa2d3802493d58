/** CreateGrant, ListGrants, ListRetirableGrants, RevokeGrant, RetireGrant. Grants are kept, and not enforced on calls. */
import { randomBytes } from 'node:crypto';
import { accountArn, type GrantRecord, keyArn, type Place, seconds } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { endDryRun, requireState } from '../key-state.ts';
import { flag, listOf, oneOf, required, structure, text, textMap } from '../members.ts';
import { acting, reading } from '../operation.ts';
import { pageOf } from '../pages.ts';
import { refuse } from '../service-error.ts';
import { cryptographic, keyId, paging, principal, requiredKeyId } from './request-members.ts';

const MAX_GRANTS_OF_KEY = 50_000;
const grantId = text({ min: 1, max: 128 });

const GRANT_OPERATIONS = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
  'Sign',
  'Verify',
  'GetPublicKey',
  'CreateGrant',
  'RetireGrant',
  'DescribeKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateMac',
  'VerifyMac',
  'DeriveSharedSecret',
] as const;

function requirePrincipal(value: string): void {
  if (!/^arn:aws[a-z-]*:(iam|sts)::\d{12}:.+$/.test(value) && !/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(value))
    refuse('InvalidArnException', `Invalid principal ${value}`);
}

export const createGrant = acting(
  {
    KeyId: requiredKeyId,
    GranteePrincipal: required(principal),
    RetiringPrincipal: principal,
    Operations: required(listOf(oneOf(GRANT_OPERATIONS))),
    Constraints: structure({ EncryptionContextSubset: textMap, EncryptionContextEquals: textMap }),
    Name: text({ min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }),
    ...cryptographic,
  },
  ({ place, nowMs, change }, input) => {
    requirePrincipal(input.GranteePrincipal);
    if (input.RetiringPrincipal !== undefined) requirePrincipal(input.RetiringPrincipal);
    return change((state) => {
      const key = findKey(state, place, input.KeyId);
      requireState(key, place, 'Enabled');
      endDryRun(input.DryRun);
      const own = state.grants().filter((grant) => grant.keyId === key.id);
      if (own.length >= MAX_GRANTS_OF_KEY) refuse('LimitExceededException');
      const made: GrantRecord = {
        ...{ id: randomBytes(32).toString('hex'), token: randomBytes(60).toString('base64'), keyId: key.id },
        ...{ createdMs: nowMs, name: input.Name ?? null, grantee: input.GranteePrincipal },
        retiring: input.RetiringPrincipal ?? null,
        operations: input.Operations,
        constraints: input.Constraints ?? null,
      };
      // A name makes the call repeatable: the same grant again is the grant that is there.
      const known = own.find((grant) => made.name !== null && sameGrant(grant, made));
      const grant = known ?? made;
      return {
        entries: known === undefined ? [{ kind: 'grant', grant }] : [],
        result: { GrantId: grant.id, GrantToken: grant.token },
      };
    });
  },
);

const sameGrant = (a: GrantRecord, b: GrantRecord): boolean => asked(a) === asked(b);
const asked = ({ name, grantee, retiring, operations, constraints }: GrantRecord): string =>
  JSON.stringify([name, grantee, retiring, operations, constraints]);

function shown(grant: GrantRecord, place: Place): Readonly<Record<string, unknown>> {
  return {
    KeyId: keyArn(place, grant.keyId),
    GrantId: grant.id,
    ...(grant.name === null ? {} : { Name: grant.name }),
    CreationDate: seconds(grant.createdMs),
    GranteePrincipal: grant.grantee,
    ...(grant.retiring === null ? {} : { RetiringPrincipal: grant.retiring }),
    IssuingAccount: accountArn(place),
    Operations: grant.operations,
    ...(grant.constraints === null ? {} : { Constraints: grant.constraints }),
  };
}

const PAGE = { defaultLimit: 50, maxLimit: 100 };

export const listGrants = reading(
  { KeyId: requiredKeyId, GrantId: grantId, GranteePrincipal: principal, ...paging },
  ({ view, place }, input) => {
    const key = findKey(view, place, input.KeyId);
    const own = view
      .grants()
      .filter(
        (grant) =>
          grant.keyId === key.id &&
          (input.GrantId === undefined || grant.id === input.GrantId) &&
          (input.GranteePrincipal === undefined || grant.grantee === input.GranteePrincipal),
      );
    if (input.GrantId !== undefined && own.length === 0) refuse('InvalidGrantIdException');
    const { items, rest } = pageOf(own, ({ id }) => id, { limit: input.Limit, marker: input.Marker, ...PAGE });
    return { Grants: items.map((grant) => shown(grant, place)), ...rest };
  },
);

export const listRetirableGrants = reading(
  { RetiringPrincipal: required(principal), ...paging },
  ({ view, place }, { RetiringPrincipal, Limit, Marker }) => {
    const own = view.grants().filter((grant) => grant.retiring === RetiringPrincipal);
    const { items, rest } = pageOf(own, ({ id }) => id, { limit: Limit, marker: Marker, ...PAGE });
    return { Grants: items.map((grant) => shown(grant, place)), ...rest };
  },
);

export const revokeGrant = acting(
  { KeyId: requiredKeyId, GrantId: required(grantId), DryRun: flag },
  ({ place, change }, { KeyId, GrantId, DryRun }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      const grant = state.grants().find(({ id }) => id === GrantId);
      if (grant?.keyId !== key.id) return refuse('InvalidGrantIdException');
      endDryRun(DryRun);
      return { entries: [{ kind: 'no-grant', id: grant.id }], result: null };
    }),
);

export const retireGrant = acting(
  { GrantToken: text({ min: 1, max: 8192 }), KeyId: keyId, GrantId: grantId, DryRun: flag },
  ({ place, change }, { GrantToken, KeyId, GrantId, DryRun }) => {
    if (GrantToken === undefined && (KeyId === undefined || GrantId === undefined))
      return refuse('ValidationException', 'Specify a grant token, or a key ARN and a grant ID.');
    return change((state) => {
      const grant = state
        .grants()
        .find(({ token, id }) => (GrantToken === undefined ? id === GrantId : token === GrantToken));
      if (grant === undefined)
        return refuse(GrantToken === undefined ? 'InvalidGrantIdException' : 'InvalidGrantTokenException');
      if (KeyId !== undefined && findKey(state, place, KeyId).id !== grant.keyId)
        return refuse('InvalidGrantIdException');
      endDryRun(DryRun);
      return { entries: [{ kind: 'no-grant', id: grant.id }], result: null };
    });
  },
);
