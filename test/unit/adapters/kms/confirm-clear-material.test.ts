/** confirm-clear-material: KMS takes the same bytes again, and no others. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ActionCall, Device } from '../../../../src/adapters/adapter.ts';
import { ClearKey } from '../../../../src/keys/clear-key.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import { createdKey, importInto, openBentKms, parametersFor } from '../../../support/kms-device-fixtures.ts';

async function confirming(device: Device, key: KeyRef, bytes: Uint8Array): Promise<ActionCall> {
  const { publicKey, parameters } = await parametersFor(device, key);
  const material = new ClearKey('aes', new Uint8Array(bytes));
  return { action: 'confirm-clear-material', args: { key, material, parameters, 'public-key': publicKey } };
}

it('proves that KMS holds these bytes', async () => {
  const { device } = await openBentKms();
  const key = await createdKey(device);
  const bytes = randomBytes(32);
  await importInto(device, key, bytes);
  const { outputs, violations } = await device.perform(await confirming(device, key, bytes));
  expect([outputs, violations]).toEqual([{ method: 'same-material re-import', strength: 'strong' }, []]);
  await device.close();
});

it('fails when KMS holds others, and says nothing of either', async () => {
  const { device } = await openBentKms();
  const key = await createdKey(device);
  await importInto(device, key, randomBytes(32));
  const other = randomBytes(32);
  const error = await caught(device.perform(await confirming(device, key, other)));
  expect(error).toMatchObject({ code: 'verification-failed', outcome: 'not-applied' });
  expect(JSON.stringify(error.toRecord())).not.toContain(other.toString('hex'));
  await device.close();
});

it('is no import: a key without material is left without', async () => {
  const { device, sent } = await openBentKms();
  const key = await createdKey(device);
  const error = await caught(device.perform(await confirming(device, key, randomBytes(32))));
  expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  expect(sent).not.toContain('ImportKeyMaterial');
  await device.close();
});

it.each([16, 31, 33])('refuses %i bytes before KMS is asked', async (length) => {
  const { device, sent } = await openBentKms();
  const key = await createdKey(device);
  const error = await caught(device.perform(await confirming(device, key, randomBytes(length))));
  expect(error.code).toBe('argument-invalid');
  expect(sent).not.toContain('ImportKeyMaterial');
  await device.close();
});
