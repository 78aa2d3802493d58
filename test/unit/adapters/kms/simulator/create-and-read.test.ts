import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Answer, aKey, aKmsService, anExternalKey, START_MS } from '../../../../support/kms-service-client.ts';

const UNKNOWN = '11111111-2222-3333-4444-555555555555';

describe('CreateKey', () => {
  it('of origin EXTERNAL answers as the recorded service did', async () => {
    const kms = await aKmsService();
    const { KeyMetadata } = await kms.call('CreateKey', { Origin: 'EXTERNAL', Description: 'payments' });
    expect(KeyMetadata).toEqual({
      AWSAccountId: '123456789012',
      KeyId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Arn: `arn:aws:kms:eu-west-1:123456789012:key/${KeyMetadata.KeyId}`,
      CreationDate: START_MS / 1000,
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      Description: 'payments',
      Enabled: false,
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyState: 'PendingImport',
      KeyUsage: 'ENCRYPT_DECRYPT',
      MultiRegion: false,
      Origin: 'EXTERNAL',
    });
  });

  it.each<[Answer, string, Answer]>([
    [{ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }, 'MacAlgorithms', ['HMAC_SHA_256']],
    [{ KeySpec: 'ECC_NIST_P521', KeyUsage: 'SIGN_VERIFY' }, 'SigningAlgorithms', ['ECDSA_SHA_512']],
    [{ KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' }, 'KeyAgreementAlgorithms', ['ECDH']],
    [
      { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
      'EncryptionAlgorithms',
      ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    ],
  ])('%j has %s', async (input, field, algorithms) => {
    const kms = await aKmsService();
    const { KeyMetadata } = await kms.call('CreateKey', { ...input, Origin: 'EXTERNAL' });
    expect(KeyMetadata[field]).toEqual(algorithms);
    expect(KeyMetadata.CurrentKeyMaterialId).toBeUndefined();
  });

  it('makes multi-Region primaries with ids of their own form', async () => {
    const kms = await aKmsService();
    const { KeyMetadata } = await kms.call('CreateKey', { Origin: 'EXTERNAL', MultiRegion: true });
    expect(KeyMetadata.KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    expect(KeyMetadata.MultiRegionConfiguration).toEqual({
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: { Arn: KeyMetadata.Arn, Region: 'eu-west-1' },
      ReplicaKeys: [],
    });
    const { KeyId } = KeyMetadata;
    for (const [operation, input] of [
      ['ReplicateKey', { ReplicaRegion: 'us-east-1' }],
      ['UpdatePrimaryRegion', { PrimaryRegion: 'us-east-1' }],
    ] as const) {
      expect(await kms.refusalText(operation, { KeyId, ...input })).toMatch(/^Unsupported.*Replicas are not simulated/);
      const single = await aKey(kms);
      expect(await kms.refusalText(operation, { KeyId: single, ...input })).toMatch(/^Unsupported.*not a multi-Region/);
      expect(await kms.refusal(operation, { KeyId: UNKNOWN, ...input })).toBe('NotFoundException');
    }
  });

  it.each<[string, Answer, string]>([
    [
      'no usage',
      { KeySpec: 'RSA_2048' },
      'ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ],
    [
      'a usage that does not fit',
      { KeySpec: 'HMAC_256', KeyUsage: 'SIGN_VERIFY' },
      'ValidationException: KeyUsage SIGN_VERIFY is not compatible with KeySpec HMAC_256',
    ],
    [
      'secp256k1 for agreement',
      { KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'KEY_AGREEMENT' },
      'ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_SECG_P256K1',
    ],
    [
      'both names of the spec',
      { KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      'ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    ],
    [
      'ML-DSA',
      { KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY' },
      'UnsupportedOperationException: KeySpec ML_DSA_44 is not simulated.',
    ],
    [
      'a custom key store',
      { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: 'cks-1' },
      'UnsupportedOperationException: Custom key stores are not simulated.',
    ],
    [
      'a tag twice',
      {
        Tags: [
          { TagKey: 'a', TagValue: '1' },
          { TagKey: 'a', TagValue: '2' },
        ],
      },
      'TagException: Duplicate tag keys',
    ],
    [
      'a tag of AWS',
      { Tags: [{ TagKey: 'aws:x', TagValue: '1' }] },
      'TagException: Tags beginning with aws: are reserved',
    ],
    [
      '51 tags',
      { Tags: Array.from({ length: 51 }, (_, n) => ({ TagKey: `t${n}`, TagValue: '' })) },
      'TagException: Too many tags',
    ],
  ])('with %s makes no key', async (_what, input, expected) => {
    const kms = await aKmsService();
    expect(await kms.refusalText('CreateKey', input)).toBe(expected);
    expect((await kms.call('ListKeys')).Keys).toEqual([]);
  });

  it('repeated makes another key: there is no idempotency token', async () => {
    const kms = await aKmsService();
    expect(await anExternalKey(kms)).not.toBe(await anExternalKey(kms));
  });
});

describe('naming a key', () => {
  it('by id and ARN, and in DescribeKey by alias', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId: KeyId });
    const arn = (resource: string) => `arn:aws:kms:eu-west-1:123456789012:${resource}`;
    for (const name of [KeyId, arn(`key/${KeyId}`), 'alias/app', arn('alias/app')])
      expect((await kms.call('DescribeKey', { KeyId: name })).KeyMetadata.KeyId).toBe(KeyId);
  });

  it.each([
    [UNKNOWN, `NotFoundException: Key 'arn:aws:kms:eu-west-1:123456789012:key/${UNKNOWN}' does not exist`],
    ['nonsense', "NotFoundException: Invalid keyId 'nonsense'"],
    [`arn:aws:kms:us-east-1:123456789012:key/${UNKNOWN}`, 'NotFoundException: Invalid arn us-east-1'],
    ['arn:aws:s3:::bucket', 'NotFoundException: Invalid arn arn:aws:s3:::bucket'],
    ['alias/none', 'NotFoundException: Alias arn:aws:kms:eu-west-1:123456789012:alias/none is not found.'],
  ])('%s: %s', async (KeyId, expected) => {
    expect(await (await aKmsService()).refusalText('DescribeKey', { KeyId })).toBe(expected);
  });

  it('of another account is denied', async () => {
    const kms = await aKmsService();
    const KeyId = `arn:aws:kms:eu-west-1:999999999999:key/${UNKNOWN}`;
    expect(await kms.refusal('DescribeKey', { KeyId })).toBe('AccessDeniedException');
    expect(JSON.parse(Buffer.from((await kms.send('DescribeKey', { KeyId })).body).toString())).toHaveProperty(
      'Message',
    );
  });

  it('by alias is refused where the API takes keys only', async () => {
    const kms = await aKmsService();
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId: await anExternalKey(kms) });
    const input = { KeyId: 'alias/app', WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' };
    expect(await kms.refusal('GetParametersForImport', input)).toBe('NotFoundException');
  });
});

describe('ListKeys', () => {
  it('gives every key once, page by page, those pending deletion too', async () => {
    const kms = await aKmsService();
    const made = [];
    for (let n = 0; n < 7; n += 1) made.push(await anExternalKey(kms));
    await kms.call('ScheduleKeyDeletion', { KeyId: made[0] });
    const listed: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await kms.call('ListKeys', { Limit: 3, ...(Marker === undefined ? {} : { Marker }) });
      listed.push(...page.Keys.map((key: Answer) => key.KeyId));
      expect(page.Truncated).toBe(page.NextMarker !== undefined);
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(listed.sort()).toEqual(made.sort());
  });

  it('neither repeats nor skips when keys come between pages', async () => {
    const kms = await aKmsService();
    for (let n = 0; n < 6; n += 1) await anExternalKey(kms);
    const first = await kms.call('ListKeys', { Limit: 4 });
    for (let n = 0; n < 6; n += 1) await anExternalKey(kms);
    const rest = await kms.call('ListKeys', { Marker: first.NextMarker });
    const ids = [...first.Keys, ...rest.Keys].map((key: Answer) => key.KeyId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refuses a marker that it did not give', async () => {
    expect(await (await aKmsService()).refusal('ListKeys', { Marker: 'made up' })).toBe('InvalidMarkerException');
  });
});

describe('GetPublicKey', () => {
  it('gives the SPKI of a private key', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const answer = await kms.call('GetPublicKey', { KeyId });
    const key = createPublicKey({ key: Buffer.from(answer.PublicKey, 'base64'), format: 'der', type: 'spki' });
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(answer).toMatchObject({
      KeySpec: 'ECC_NIST_P256',
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: ['ECDSA_SHA_256'],
    });
  });

  it('is refused for secret keys, and without material', async () => {
    const kms = await aKmsService();
    expect(await kms.refusal('GetPublicKey', { KeyId: await aKey(kms) })).toBe('UnsupportedOperationException');
    const KeyId = await anExternalKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    expect(await kms.refusal('GetPublicKey', { KeyId })).toBe('KMSInvalidStateException');
  });
});

describe('other partitions', () => {
  it.each([
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
    ['us-iso-east-1', 'aws-iso'],
    ['us-east-1', 'aws'],
  ])('%s has ARNs of %s', async (region, partition) => {
    const kms = await aKmsService({ region });
    const { KeyMetadata } = await kms.call('CreateKey');
    const arn = `arn:${partition}:kms:${region}:123456789012:key/${KeyMetadata.KeyId}`;
    expect(KeyMetadata.Arn).toBe(arn);
    expect((await kms.call('DescribeKey', { KeyId: arn })).KeyMetadata).toEqual(KeyMetadata);
    const { Policy } = await kms.call('GetKeyPolicy', { KeyId: arn });
    expect(Policy).toContain(`"arn:${partition}:iam::123456789012:root"`);
    await kms.call('PutKeyPolicy', { KeyId: arn, Policy });
    const other = arn.replace(`arn:${partition}:`, 'arn:aws-elsewhere:');
    expect(await kms.refusal('DescribeKey', { KeyId: other })).toBe('NotFoundException');
    expect(await kms.refusal('ListResourceTags', { KeyId: other })).toBe('InvalidArnException');
  });
});

describe('custom key stores', () => {
  it('are none', async () => {
    const kms = await aKmsService();
    expect(await kms.call('DescribeCustomKeyStores')).toEqual({ CustomKeyStores: [], Truncated: false });
    for (const input of [{ CustomKeyStoreId: 'cks-1' }, { CustomKeyStoreName: 'hsm' }])
      expect(await kms.refusal('DescribeCustomKeyStores', input)).toBe('CustomKeyStoreNotFoundException');
  });
});
