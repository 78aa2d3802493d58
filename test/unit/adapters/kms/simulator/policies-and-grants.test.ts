import { describe, expect, it } from 'vitest';
import { type Answer, aKey, aKmsService } from '../../../../support/kms-service-client.ts';

const ROOT = 'arn:aws:iam::123456789012:root';
const ME = 'arn:aws:iam::123456789012:user/keyferry';
const YOU = 'arn:aws:iam::123456789012:role/you';

const statement = (fields: Answer = {}): Answer => ({
  Effect: 'Allow',
  Principal: { AWS: ROOT },
  Action: 'kms:*',
  Resource: '*',
  ...fields,
});
const policy = (...Statement: Answer[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const LOCKED_OUT =
  'MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.';

describe('key policies', () => {
  it('are the default one, named default, until another is put', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const { Policy, PolicyName } = await kms.call('GetKeyPolicy', { KeyId });
    expect(PolicyName).toBe('default');
    expect(JSON.parse(Policy).Statement[0].Principal).toEqual({ AWS: ROOT });
    const own = policy(statement(), statement({ Principal: { AWS: [YOU] }, Action: ['kms:Encrypt'] }));
    await kms.call('PutKeyPolicy', { KeyId, PolicyName: 'default', Policy: own });
    expect((await kms.call('GetKeyPolicy', { KeyId, PolicyName: 'default' })).Policy).toBe(own);
    expect((await kms.call('ListKeyPolicies', { KeyId })).PolicyNames).toEqual(['default']);
    expect(await kms.refusal('GetKeyPolicy', { KeyId, PolicyName: 'other' })).toBe('NotFoundException');
  });

  it.each<[string, string]>([
    ['the account', policy(statement())],
    ['the account by number', policy(statement({ Principal: { AWS: '123456789012' } }))],
    ['the caller', policy(statement({ Principal: { AWS: [YOU, ME] }, Action: ['kms:Put*'] }))],
    ['everybody', policy(statement({ Principal: '*', Action: ['kms:Encrypt', 'kms:PutKeyPolicy'] }))],
    [
      'the account, and denies something else',
      policy(statement(), statement({ Effect: 'Deny', Action: 'kms:Decrypt' })),
    ],
  ])('that let %s change them are taken', async (_who, Policy) => {
    const kms = await aKmsService();
    expect(await kms.refusal('CreateKey', { Policy })).toBe('none');
  });

  it.each<[string, string]>([
    ['only others', policy(statement({ Principal: { AWS: YOU } }))],
    ['the account, but not to change it', policy(statement({ Action: ['kms:Encrypt', 'kms:Get*'] }))],
    ['nobody, by a denial', policy(statement(), statement({ Effect: 'Deny', Action: 'kms:PutKeyPolicy' }))],
    [
      'the account under a condition',
      policy(statement({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } })),
    ],
    ['nobody at all', policy()],
  ])('that let %s lock their author out', async (_who, Policy) => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    expect(await kms.refusalText('CreateKey', { Policy })).toBe(LOCKED_OUT);
    expect(await kms.refusalText('PutKeyPolicy', { KeyId, Policy })).toBe(LOCKED_OUT);
    expect((await kms.call('ListKeys')).Keys).toHaveLength(1);
    expect(await kms.refusal('PutKeyPolicy', { KeyId, Policy, BypassPolicyLockoutSafetyCheck: true })).toBe('none');
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another version', JSON.stringify({ Version: '2030-01-01', Statement: [statement()] })],
    ['a statement without effect', policy(statement({ Effect: undefined }))],
    ['a statement without principal', policy(statement({ Principal: undefined }))],
    ['a statement without resource', policy(statement({ Resource: undefined }))],
    ['a statement whose action is a number', policy(statement({ Action: 1 }))],
    ['a principal in no known form', policy(statement({ Principal: { AWS: [ROOT, 'joe'] } }))],
  ])('%s: malformed, bypass or not', async (_what, Policy) => {
    const kms = await aKmsService();
    for (const BypassPolicyLockoutSafetyCheck of [false, true])
      expect(await kms.refusal('CreateKey', { Policy, BypassPolicyLockoutSafetyCheck })).toBe(
        'MalformedPolicyDocumentException',
      );
  });

  it('are 32 KiB at most', async () => {
    const kms = await aKmsService();
    const Policy = policy(statement({ Sid: 'x'.repeat(33_000) }));
    expect(await kms.refusal('CreateKey', { Policy })).toBe('LimitExceededException');
  });
});

describe('grants', () => {
  const grant = (KeyId: string, more: Answer = {}): Answer => ({
    ...{ KeyId, GranteePrincipal: YOU, Operations: ['Encrypt', 'Decrypt'] },
    ...more,
  });

  it('are made, listed and revoked', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const made = await kms.call('CreateGrant', grant(KeyId, { RetiringPrincipal: ME, Name: 'job' }));
    const { Grants } = await kms.call('ListGrants', { KeyId });
    expect(Grants).toMatchObject([
      {
        GrantId: made.GrantId,
        Name: 'job',
        GranteePrincipal: YOU,
        RetiringPrincipal: ME,
        Operations: ['Encrypt', 'Decrypt'],
      },
    ]);
    expect((await kms.call('ListRetirableGrants', { RetiringPrincipal: ME })).Grants).toHaveLength(1);
    expect((await kms.call('ListRetirableGrants', { RetiringPrincipal: YOU })).Grants).toHaveLength(0);
    await kms.call('RevokeGrant', { KeyId, GrantId: made.GrantId });
    expect((await kms.call('ListGrants', { KeyId })).Grants).toEqual([]);
    expect(await kms.refusal('RevokeGrant', { KeyId, GrantId: made.GrantId })).toBe('InvalidGrantIdException');
  });

  it('with a name are made once; without, each time', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const ids = [];
    for (const Name of ['a', 'a', 'b']) ids.push((await kms.call('CreateGrant', grant(KeyId, { Name }))).GrantId);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    await kms.call('CreateGrant', grant(KeyId));
    await kms.call('CreateGrant', grant(KeyId));
    expect((await kms.call('ListGrants', { KeyId })).Grants).toHaveLength(4);
  });

  it('retire by token, or by key and id', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const [one, two] = [await kms.call('CreateGrant', grant(KeyId)), await kms.call('CreateGrant', grant(KeyId))];
    await kms.call('RetireGrant', { GrantToken: one.GrantToken });
    await kms.call('RetireGrant', { KeyId: `arn:aws:kms:eu-west-1:123456789012:key/${KeyId}`, GrantId: two.GrantId });
    expect((await kms.call('ListGrants', { KeyId })).Grants).toEqual([]);
    expect(await kms.refusal('RetireGrant', { GrantToken: one.GrantToken })).toBe('InvalidGrantTokenException');
    expect(await kms.refusal('RetireGrant', { GrantId: two.GrantId })).toBe('ValidationException');
  });

  it('of another key are not revoked', async () => {
    const kms = await aKmsService();
    const [one, two] = [await aKey(kms), await aKey(kms)];
    const { GrantId } = await kms.call('CreateGrant', grant(one));
    expect(await kms.refusal('RevokeGrant', { KeyId: two, GrantId })).toBe('InvalidGrantIdException');
  });

  it.each<[string, Answer, string]>([
    ['an operation that is none', { Operations: ['Destroy'] }, 'ValidationException'],
    ['a principal that is no ARN', { GranteePrincipal: 'joe' }, 'InvalidArnException'],
    ['a dry run', { DryRun: true }, 'DryRunOperationException'],
  ])('with %s are not made', async (_what, more, expected) => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    expect(await kms.refusal('CreateGrant', grant(KeyId, more))).toBe(expected);
    expect((await kms.call('ListGrants', { KeyId })).Grants).toEqual([]);
  });
});
