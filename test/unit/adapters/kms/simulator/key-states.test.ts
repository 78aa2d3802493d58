import { describe, expect, it } from 'vitest';
import {
  type Answer,
  aKey,
  aKmsService,
  anExternalKey,
  anImportedKey,
  base64,
  type KmsUnderTest,
  START_MS,
  stateOf,
} from '../../../../support/kms-service-client.ts';

const DAY_MS = 24 * 3_600_000;
const arn = (id: string) => `arn:aws:kms:eu-west-1:123456789012:key/${id}`;

type State = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport';
const INVALID = 'KMSInvalidStateException';
const DISABLED = 'DisabledException';
const UNSUPPORTED = 'UnsupportedOperationException';

async function aKeyIn(kms: KmsUnderTest, state: State): Promise<string> {
  if (state === 'PendingImport') return anExternalKey(kms);
  const KeyId = await anImportedKey(kms);
  if (state === 'Disabled') await kms.call('DisableKey', { KeyId });
  if (state === 'PendingDeletion') await kms.call('ScheduleKeyDeletion', { KeyId });
  return KeyId;
}

/** Calls that the developer guide's table names, by what each state answers: Enabled, Disabled, PendingDeletion, PendingImport. */
const TABLE: readonly [string, Answer, readonly [string, string, string, string]][] = [
  ['Encrypt', { Plaintext: 'aGk=' }, ['none', DISABLED, INVALID, INVALID]],
  ['GenerateDataKey', { KeySpec: 'AES_256' }, ['none', DISABLED, INVALID, INVALID]],
  ['GenerateDataKeyWithoutPlaintext', { NumberOfBytes: 16 }, ['none', DISABLED, INVALID, INVALID]],
  [
    'GetParametersForImport',
    { WrappingAlgorithm: 'RSAES_OAEP_SHA_1', WrappingKeySpec: 'RSA_2048' },
    ['none', 'none', INVALID, 'none'],
  ],
  ['DeleteImportedKeyMaterial', {}, ['none', 'none', 'none', 'none']],
  ['EnableKey', {}, ['none', 'none', INVALID, INVALID]],
  ['DisableKey', {}, ['none', 'none', INVALID, INVALID]],
  ['TagResource', { Tags: [{ TagKey: 'a', TagValue: 'b' }] }, ['none', 'none', INVALID, 'none']],
  ['UntagResource', { TagKeys: ['a'] }, ['none', 'none', INVALID, 'none']],
  ['UpdateKeyDescription', { Description: 'new' }, ['none', 'none', INVALID, 'none']],
  [
    'CreateGrant',
    { GranteePrincipal: 'arn:aws:iam::123456789012:root', Operations: ['Decrypt'] },
    ['none', DISABLED, INVALID, INVALID],
  ],
  ['EnableKeyRotation', {}, [UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED]],
  ['DisableKeyRotation', {}, [UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED]],
  ['GetKeyRotationStatus', {}, ['none', 'none', 'none', UNSUPPORTED]],
  ['ListKeyPolicies', {}, ['none', 'none', 'none', 'none']],
  ['DescribeKey', {}, ['none', 'none', 'none', 'none']],
  ['GetKeyPolicy', {}, ['none', 'none', 'none', 'none']],
  ['ListResourceTags', {}, ['none', 'none', 'none', 'none']],
  ['ListGrants', {}, ['none', 'none', 'none', 'none']],
  ['ListAliases', {}, ['none', 'none', 'none', 'none']],
  ['ScheduleKeyDeletion', {}, ['none', 'none', INVALID, 'none']],
  ['CancelKeyDeletion', {}, [INVALID, INVALID, 'none', INVALID]],
  ['RotateKeyOnDemand', {}, [INVALID, DISABLED, INVALID, INVALID]],
];
const STATES = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport'] as const;

describe.each(TABLE)('%s', (operation, input, answers) => {
  it.each(STATES.map((state, at) => [state, answers[at] ?? ''] as const))(
    'of a key that is %s: %s',
    async (state, expected) => {
      const kms = await aKmsService();
      const KeyId = await aKeyIn(kms, state);
      expect(await kms.refusal(operation, { KeyId, ...input })).toBe(expected);
    },
  );
});

describe('calls that name the key otherwise', () => {
  it.each(STATES)('CreateAlias and UpdateAlias for a key that is %s', async (state) => {
    const kms = await aKmsService();
    const KeyId = await aKeyIn(kms, state);
    await kms.call('CreateAlias', { AliasName: 'alias/other', TargetKeyId: await anExternalKey(kms) });
    const expected = state === 'PendingDeletion' ? INVALID : 'none';
    expect(await kms.refusal('CreateAlias', { AliasName: 'alias/own', TargetKeyId: KeyId })).toBe(expected);
    expect(await kms.refusal('UpdateAlias', { AliasName: 'alias/other', TargetKeyId: KeyId })).toBe(expected);
  });

  it('Decrypt finds the key by the ciphertext, and the key must be enabled', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: base64(Buffer.from('x')) });
    await kms.call('DisableKey', { KeyId });
    expect(await kms.refusalText('Decrypt', { CiphertextBlob })).toBe(`DisabledException: ${arn(KeyId)} is disabled.`);
    await kms.call('EnableKey', { KeyId });
    expect(await kms.refusal('Decrypt', { CiphertextBlob })).toBe('none');
  });
});

describe('deletion', () => {
  it('waits 30 days unless told otherwise, then the key is gone with its aliases', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/app', TargetKeyId: KeyId });
    expect(await kms.call('ScheduleKeyDeletion', { KeyId })).toEqual({
      KeyId: arn(KeyId),
      DeletionDate: (START_MS + 30 * DAY_MS) / 1000,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: 30,
    });
    kms.clock.nowMs += 30 * DAY_MS - 1;
    expect(await stateOf(kms, KeyId)).toBe('PendingDeletion');
    kms.clock.nowMs += 1;
    expect(await kms.refusal('DescribeKey', { KeyId })).toBe('NotFoundException');
    expect(await kms.refusal('DescribeKey', { KeyId: 'alias/app' })).toBe('NotFoundException');
    expect((await kms.call('ListKeys')).Keys).toEqual([]);
  });

  it('cancelled leaves the key disabled, or waiting for material', async () => {
    const kms = await aKmsService();
    for (const [state, after] of [
      ['Enabled', 'Disabled'],
      ['PendingImport', 'PendingImport'],
    ] as const) {
      const KeyId = await aKeyIn(kms, state);
      await kms.call('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
      await kms.call('CancelKeyDeletion', { KeyId });
      kms.clock.nowMs += 8 * DAY_MS;
      expect(await stateOf(kms, KeyId)).toBe(after);
    }
  });

  it.each([6, 31])('of %d days is refused', async (PendingWindowInDays) => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    expect(await kms.refusal('ScheduleKeyDeletion', { KeyId, PendingWindowInDays })).toBe('ValidationException');
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });

  it('a second time is refused', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    await kms.call('ScheduleKeyDeletion', { KeyId });
    expect(await kms.refusalText('ScheduleKeyDeletion', { KeyId })).toBe(
      `KMSInvalidStateException: ${arn(KeyId)} is pending deletion.`,
    );
  });
});
