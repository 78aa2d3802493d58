/** The actions that make pairs: what they refuse, what they find when the device did otherwise, and what they find after a crash. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ActionCall, Device } from '../../../../src/adapters/adapter.ts';
import { CKA, CKM, CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { GENERIC_MECHANISMS } from '../../../../src/adapters/pkcs11/simulator/mechanism-table.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { type BentOptions, listKeys, openBent } from '../../../support/pkcs11-devices.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function bent(options: BentOptions = {}): Promise<Device> {
  const { device } = await openBent(options);
  open.push(device);
  return device;
}

const rsa = (args: Readonly<Record<string, unknown>>): ActionCall => ({
  action: 'generate-rsa-key-pair',
  args: { purpose: 'signing', label: 'pair', 'modulus-bits': 2048, ...args },
});
const ec = (args: Readonly<Record<string, unknown>>): ActionCall => ({
  action: 'generate-ec-key-pair',
  args: { purpose: 'signing', label: 'pair', curve: 'P-256', ...args },
});

async function refused(device: Device, call: ActionCall, code: string, words: string): Promise<void> {
  const [findings] = await device.preview(call.action, [call.args], null);
  expect(findings).toEqual([{ level: 'block', reason: expect.stringContaining(words) }]);
  await expect(device.perform(call)).rejects.toMatchObject({ code, outcome: 'not-applied' });
  expect(await listKeys(device)).toEqual([]);
}

describe('what is refused', () => {
  it('is a wrapping pair whose private half may leave', async () => {
    const call = rsa({ purpose: 'wrapping', extractable: true });
    await refused(await bent(), call, 'argument-invalid', 'must not be extractable');
  });

  it('is a device without EC keys', async () => {
    const mechanisms = GENERIC_MECHANISMS.filter(({ type }) => type !== CKM.EC_KEY_PAIR_GEN);
    const device = await bent({ personality: { mechanisms } });
    expect((await device.describe()).capabilities.generate).not.toContain('ec');
    await refused(device, ec({}), 'capability-missing', 'cannot generate EC keys');
  });

  it('is a curve outside what the device makes', async () => {
    const mechanisms = GENERIC_MECHANISMS.map((row) =>
      row.type === CKM.EC_KEY_PAIR_GEN ? { ...row, maxKeySize: 384 } : row,
    );
    const device = await bent({ personality: { mechanisms } });
    await refused(device, ec({ curve: 'P-521' }), 'capability-missing', '256 to 384 bits, not P-521');
    await device.perform(ec({ curve: 'P-384' }));
  });

  it('is a curve that keyferry does not know', async () => {
    const device = await bent();
    await expect(device.perform(ec({ curve: 'brainpoolP256r1' }))).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(await listKeys(device)).toEqual([]);
  });

  it('is what the device itself refuses, with nothing made', async () => {
    const device = await bent({
      bend: () => ({
        C_GenerateKeyPair: () => Promise.reject(new CryptokiError('C_GenerateKeyPair', CKR.KEY_SIZE_RANGE)),
      }),
    });
    await expect(device.perform(ec({}))).rejects.toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });
});

describe('what is made', () => {
  it.each([true, false])('may leave as asked: %s', async (extractable) => {
    const device = await bent();
    for (const call of [rsa({ extractable, label: 'r' }), ec({ extractable, label: 'e' })]) {
      const { outputs, violations } = await device.perform(call);
      expect(violations).toEqual([]);
      const { attributes } = await device.read(outputs.private_key as KeyRef);
      expect(attributes).toMatchObject({ extractable, neverExtractable: !extractable, local: true, sign: true });
    }
  });

  it('is reported when the device widens it', async () => {
    const device = await bent({
      bend: (real) => ({
        C_GetAttributeValue: (session, object, types) =>
          real
            .C_GetAttributeValue(session, object, types)
            .map((reading) => (reading.type === CKA.DECRYPT ? { ...reading, value: Uint8Array.of(1) } : reading)),
      }),
    });
    const { violations } = await device.perform(ec({}));
    expect(violations).toEqual([expect.objectContaining({ code: 'attribute-mismatch' })]);
    const wrapping = await device.perform(rsa({ purpose: 'wrapping', label: 'w' }));
    expect(wrapping.violations).toEqual([expect.objectContaining({ code: 'wrapping-key-widened' })]);
  });
});

describe('after a crash', () => {
  it('an EC pair is absent, then found by its marker, with the same outputs', async () => {
    const device = await bent();
    const call = ec({ curve: 'P-384' });
    const { expectation } = await device.expect(call, null);
    expect(await device.reconcile({ ...call, expectation }, null)).toEqual({ state: 'absent' });
    const { outputs } = await device.perform({ ...call, expectation });
    expect(await device.reconcile({ ...call, expectation }, null)).toEqual({ state: 'done', outputs, violations: [] });
  });

  it('half a pair is not taken for one', async () => {
    const device = await bent();
    const call = ec({});
    const { expectation } = await device.expect(call, null);
    const { outputs } = await device.perform({ ...call, expectation });
    await device.perform({ action: 'delete-key', args: { key: outputs.public_key } });
    expect((await device.reconcile({ ...call, expectation }, null)).state).toBe('ambiguous');
  });
});
