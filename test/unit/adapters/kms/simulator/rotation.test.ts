import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  aKey,
  aKmsService,
  anExternalKey,
  anImportedKey,
  importInput,
  type KmsUnderTest,
  START_MS,
  stateOf,
} from '../../../../support/kms-service-client.ts';

const NEW = { ImportType: 'NEW_KEY_MATERIAL' };
const DAY_MS = 24 * 3_600_000;

const add = async (kms: KmsUnderTest, KeyId: string, material: Uint8Array, more: Answer = NEW): Promise<string> =>
  (await kms.call('ImportKeyMaterial', await importInput(kms, KeyId, material, { more }))).KeyMaterialId;
const materials = async (kms: KmsUnderTest, KeyId: string): Promise<string[]> =>
  (await kms.call('ListKeyRotations', { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })).Rotations.map(
    (one: Answer) => `${one.KeyMaterialState} ${one.ImportState}`,
  );

describe('new material for an imported key', () => {
  it('waits for the rotation, then both serve', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const { CiphertextBlob: older } = await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    const id = await add(kms, KeyId, randomBytes(32), { ...NEW, KeyMaterialDescription: 'second' });
    expect(await materials(kms, KeyId)).toEqual(['CURRENT IMPORTED', 'PENDING_ROTATION IMPORTED']);
    expect((await kms.call('DescribeKey', { KeyId })).KeyMetadata.CurrentKeyMaterialId).not.toBe(id);
    kms.clock.nowMs += 1000;
    await kms.call('RotateKeyOnDemand', { KeyId });
    expect(await materials(kms, KeyId)).toEqual(['NON_CURRENT IMPORTED', 'CURRENT IMPORTED']);
    expect((await kms.call('DescribeKey', { KeyId })).KeyMetadata.CurrentKeyMaterialId).toBe(id);
    const newer = await kms.call('Encrypt', { KeyId, Plaintext: 'aG8=' });
    expect((await kms.call('Decrypt', { CiphertextBlob: newer.CiphertextBlob })).KeyMaterialId).toBe(id);
    expect((await kms.call('Decrypt', { CiphertextBlob: older })).Plaintext).toBe('aGk=');
    expect((await kms.call('ListKeyRotations', { KeyId })).Rotations).toMatchObject([
      {
        KeyMaterialId: id,
        RotationType: 'ON_DEMAND',
        RotationDate: (START_MS + 1000) / 1000,
        KeyMaterialDescription: 'second',
      },
    ]);
  });

  it('is one at a time, and can be taken back', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const pending = await add(kms, KeyId, randomBytes(32));
    const input = await importInput(kms, KeyId, randomBytes(32), { more: NEW });
    expect(await kms.refusalText('ImportKeyMaterial', input)).toMatch(
      new RegExp(
        `^KMSInvalidStateException: New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key arn:.*${KeyId}, because another key material \\(id: ${pending}\\) is pending rotation\\.$`,
      ),
    );
    await kms.call('DeleteImportedKeyMaterial', { KeyId, KeyMaterialId: pending });
    expect(await materials(kms, KeyId)).toEqual(['CURRENT IMPORTED']);
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
    expect(await kms.refusalText('RotateKeyOnDemand', { KeyId })).toBe(
      `KMSInvalidStateException: No available key material pending rotation for the key: arn:aws:kms:eu-west-1:123456789012:key/${KeyId}.`,
    );
  });

  it('is not what the key has already', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anImportedKey(kms, material);
    const input = await importInput(kms, KeyId, material, { more: NEW });
    expect(await kms.refusal('ImportKeyMaterial', input)).toBe('IncorrectKeyMaterialException');
  });

  it('names no id of existing material', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const more = { ...NEW, KeyMaterialId: 'a'.repeat(64) };
    expect(await kms.refusal('ImportKeyMaterial', await importInput(kms, KeyId, randomBytes(32), { more }))).toBe(
      'ValidationException',
    );
    const other = { ImportType: 'EXISTING_KEY_MATERIAL', KeyMaterialId: 'a'.repeat(64) };
    expect(
      await kms.refusal('ImportKeyMaterial', await importInput(kms, KeyId, randomBytes(32), { more: other })),
    ).toBe('IncorrectKeyMaterialException');
  });

  it('makes the key need both: losing the older one is losing the key', async () => {
    const kms = await aKmsService();
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const KeyId = await anExternalKey(kms);
    const id = await add(kms, KeyId, first, {});
    await add(kms, KeyId, second);
    await kms.call('RotateKeyOnDemand', { KeyId });
    await kms.call('DeleteImportedKeyMaterial', { KeyId, KeyMaterialId: id });
    expect(await stateOf(kms, KeyId)).toBe('PendingImport');
    expect(await materials(kms, KeyId)).toEqual(['NON_CURRENT PENDING_IMPORT', 'CURRENT IMPORTED']);
    await add(kms, KeyId, second, { ImportType: 'EXISTING_KEY_MATERIAL' });
    expect(await stateOf(kms, KeyId)).toBe('PendingImport');
    await add(kms, KeyId, first, {});
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });

  it('that was pending and expires is forgotten', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    await add(kms, KeyId, randomBytes(32), { ...NEW, ValidTo: START_MS / 1000 + 60 });
    kms.clock.nowMs += 61_000;
    expect(await materials(kms, KeyId)).toEqual(['CURRENT IMPORTED']);
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });

  it('comes 25 times by rotation and no more', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    for (let n = 0; n < 25; n += 1) await kms.call('RotateKeyOnDemand', { KeyId });
    expect(await kms.refusal('RotateKeyOnDemand', { KeyId })).toBe('LimitExceededException');
    const first = await kms.call('ListKeyRotations', { KeyId, Limit: 20 });
    const rest = await kms.call('ListKeyRotations', { KeyId, Marker: first.NextMarker });
    expect([first.Rotations.length, rest.Rotations.length, rest.Truncated]).toEqual([20, 5, false]);
  });
});

describe('automatic rotation', () => {
  it('is for material that KMS made', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    for (const operation of ['EnableKeyRotation', 'DisableKeyRotation'])
      expect(await kms.refusalText(operation, { KeyId })).toBe(
        `UnsupportedOperationException: arn:aws:kms:eu-west-1:123456789012:key/${KeyId} origin is EXTERNAL which is not valid for this operation.`,
      );
    expect((await kms.call('GetKeyRotationStatus', { KeyId })).KeyRotationEnabled).toBe(false);
  });

  it('is for symmetric keys', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    for (const operation of ['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand', 'ListKeyRotations'])
      expect(await kms.refusal(operation, { KeyId })).toBe('UnsupportedOperationException');
    // Terraform asks for the status of every key that AWS made, of whatever spec.
    expect(await kms.call('GetKeyRotationStatus', { KeyId })).toEqual({
      KeyId: `arn:aws:kms:eu-west-1:123456789012:key/${KeyId}`,
      KeyRotationEnabled: false,
    });
  });

  it('is on with its period until it is off', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    await kms.call('EnableKeyRotation', { KeyId, RotationPeriodInDays: 100 });
    expect(await kms.call('GetKeyRotationStatus', { KeyId })).toMatchObject({
      KeyRotationEnabled: true,
      RotationPeriodInDays: 100,
      NextRotationDate: (START_MS + 100 * DAY_MS) / 1000,
    });
    await kms.call('DisableKeyRotation', { KeyId });
    expect((await kms.call('GetKeyRotationStatus', { KeyId })).KeyRotationEnabled).toBe(false);
    expect(await kms.refusal('EnableKeyRotation', { KeyId, RotationPeriodInDays: 89 })).toBe('ValidationException');
  });
});
