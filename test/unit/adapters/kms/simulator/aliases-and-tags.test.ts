import { describe, expect, it } from 'vitest';
import { type Answer, aKey, aKmsService, anExternalKey } from '../../../../support/kms-service-client.ts';

const aliasArn = (name: string) => `arn:aws:kms:eu-west-1:123456789012:${name}`;
const ofKey = async (kms: Awaited<ReturnType<typeof aKmsService>>, KeyId: string): Promise<string[]> =>
  (await kms.call('ListAliases', { KeyId })).Aliases.map((alias: Answer) => alias.AliasName);

describe('aliases', () => {
  it('are unique, whichever key they stand for', async () => {
    const kms = await aKmsService();
    const TargetKeyId = await anExternalKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId });
    const expected = `AlreadyExistsException: An alias with the name ${aliasArn('alias/app')} already exists`;
    for (const target of [TargetKeyId, await anExternalKey(kms)])
      expect(await kms.refusalText('CreateAlias', { AliasName: 'alias/app', TargetKeyId: target })).toBe(expected);
    expect(await ofKey(kms, TargetKeyId)).toEqual(['alias/app']);
  });

  it.each([
    ['app', 'ValidationException'],
    ['alias/', 'ValidationException'],
    ['alias/with space', 'ValidationException'],
    ['alias/aws/mine', 'NotAuthorizedException'],
    [`alias/${'x'.repeat(251)}`, 'ValidationException'],
  ])('%s: %s', async (AliasName, expected) => {
    const kms = await aKmsService();
    expect(await kms.refusal('CreateAlias', { AliasName, TargetKeyId: await anExternalKey(kms) })).toBe(expected);
  });

  it('without the prefix name the documentation', async () => {
    const kms = await aKmsService();
    const input = { AliasName: 'app', TargetKeyId: await anExternalKey(kms) };
    expect(await kms.refusalText('CreateAlias', input)).toBe(
      'ValidationException: Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  });

  it('move to another key, and only to one of their kind', async () => {
    const kms = await aKmsService();
    const [one, two] = [await anExternalKey(kms), await anExternalKey(kms)];
    const mac = await anExternalKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const rsa = await anExternalKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId: one });
    for (const TargetKeyId of [mac, rsa])
      expect(await kms.refusal('UpdateAlias', { AliasName: 'alias/app', TargetKeyId })).toBe('ValidationException');
    kms.clock.nowMs += 5000;
    await kms.call('UpdateAlias', { AliasName: 'alias/app', TargetKeyId: two });
    expect(await ofKey(kms, one)).toEqual([]);
    const [alias] = (await kms.call('ListAliases', { KeyId: two })).Aliases;
    expect(alias.LastUpdatedDate - alias.CreationDate).toBe(5);
  });

  it('are gone once: the second deletion finds none', async () => {
    const kms = await aKmsService();
    const TargetKeyId = await anExternalKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId });
    await kms.call('DeleteAlias', { AliasName: 'alias/app' });
    const expected = `NotFoundException: Alias ${aliasArn('alias/app')} is not found.`;
    expect(await kms.refusalText('DeleteAlias', { AliasName: 'alias/app' })).toBe(expected);
    expect(await kms.refusalText('UpdateAlias', { AliasName: 'alias/app', TargetKeyId })).toBe(expected);
  });

  it('stand for keys, not for aliases', async () => {
    const kms = await aKmsService();
    await kms.call('CreateAlias', { AliasName: 'alias/one', TargetKeyId: await anExternalKey(kms) });
    expect(await kms.refusal('CreateAlias', { AliasName: 'alias/two', TargetKeyId: 'alias/one' })).toBe(
      'ValidationException',
    );
  });

  it('of one key are 50 at most', async () => {
    const kms = await aKmsService();
    const TargetKeyId = await anExternalKey(kms);
    for (let n = 0; n < 50; n += 1) await kms.call('CreateAlias', { AliasName: `alias/${n}`, TargetKeyId });
    expect(await kms.refusal('CreateAlias', { AliasName: 'alias/50', TargetKeyId })).toBe('LimitExceededException');
  });

  it('are listed with those that AWS predefines, which have no key', async () => {
    const kms = await aKmsService();
    const TargetKeyId = await anExternalKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId });
    const listed = (await kms.call('ListAliases')).Aliases;
    expect(listed.find((alias: Answer) => alias.AliasName === 'alias/app')).toMatchObject({
      AliasArn: aliasArn('alias/app'),
      TargetKeyId,
    });
    const predefined = listed.filter((alias: Answer) => alias.AliasName.startsWith('alias/aws/'));
    expect(predefined.length).toBeGreaterThan(0);
    expect(predefined.every((alias: Answer) => alias.TargetKeyId === undefined)).toBe(true);
  });

  it('come in pages', async () => {
    const kms = await aKmsService();
    const keys = [await anExternalKey(kms), await anExternalKey(kms)];
    for (let n = 0; n < 60; n += 1)
      await kms.call('CreateAlias', { AliasName: `alias/${n}`, TargetKeyId: keys[n % 2] });
    const first = await kms.call('ListAliases');
    const second = await kms.call('ListAliases', { Marker: first.NextMarker });
    expect([first.Aliases.length, first.Truncated, second.Truncated]).toEqual([50, true, false]);
    expect(first.Aliases.length + second.Aliases.length).toBe(64);
  });
});

describe('tags', () => {
  it('are added, replaced and removed', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { Tags: [{ TagKey: 'a', TagValue: '1' }] });
    await kms.call('TagResource', {
      KeyId,
      Tags: [
        { TagKey: 'a', TagValue: '2' },
        { TagKey: 'b', TagValue: '' },
      ],
    });
    expect((await kms.call('ListResourceTags', { KeyId })).Tags).toEqual([
      { TagKey: 'a', TagValue: '2' },
      { TagKey: 'b', TagValue: '' },
    ]);
    await kms.call('UntagResource', { KeyId, TagKeys: ['a', 'never there'] });
    expect((await kms.call('ListResourceTags', { KeyId })).Tags).toEqual([{ TagKey: 'b', TagValue: '' }]);
  });

  it.each<[string, Answer[], string]>([
    [
      'twice the same',
      [
        { TagKey: 'a', TagValue: '' },
        { TagKey: 'a', TagValue: '' },
      ],
      'TagException: Duplicate tag keys',
    ],
    ['of AWS', [{ TagKey: 'AWS:x', TagValue: '' }], 'TagException: Tags beginning with aws: are reserved'],
    [
      'with characters that are none',
      [{ TagKey: 'a|b', TagValue: '' }],
      'TagException: Tag has characters that are not allowed',
    ],
    [
      'more than 50',
      Array.from({ length: 50 }, (_, n) => ({ TagKey: `t${n}`, TagValue: '' })),
      'TagException: Too many tags',
    ],
  ])('%s change nothing', async (_what, Tags, expected) => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { Tags: [{ TagKey: 'kept', TagValue: 'x' }] });
    expect(await kms.refusalText('TagResource', { KeyId, Tags })).toBe(expected);
    expect((await kms.call('ListResourceTags', { KeyId })).Tags).toEqual([{ TagKey: 'kept', TagValue: 'x' }]);
  });

  it('come in pages of 50', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { Tags: Array.from({ length: 50 }, (_, n) => ({ TagKey: `t${n}`, TagValue: '' })) });
    const first = await kms.call('ListResourceTags', { KeyId, Limit: 30 });
    const rest = await kms.call('ListResourceTags', { KeyId, Marker: first.NextMarker });
    expect([first.Tags.length, rest.Tags.length, rest.Truncated]).toEqual([30, 20, false]);
  });

  it('the description changes alone', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { Description: 'old' });
    await kms.call('UpdateKeyDescription', { KeyId, Description: 'new' });
    expect((await kms.call('DescribeKey', { KeyId })).KeyMetadata.Description).toBe('new');
    expect(await kms.refusal('UpdateKeyDescription', { KeyId, Description: 'x'.repeat(8193) })).toBe(
      'ValidationException',
    );
  });
});
