import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  create,
  createdKey,
  dropping,
  importInto,
  losing,
  openBentKms,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const AES = randomBytes(32);

const stateOf = async (device: Device, key: KeyRef): Promise<unknown> =>
  (await device.perform({ action: 'describe-key', args: { key } })).outputs.state;

async function imported(options: Parameters<typeof openBentKms>[0] = {}) {
  const { device, sent } = await openBentKms(options);
  const key = await createdKey(device);
  await importInto(device, key, AES);
  return { device, sent, key };
}

describe.each([
  ['disable-key', 'DisableKey', 'Disabled', undefined],
  ['enable-key', 'EnableKey', 'Enabled', 'disable-key'],
  ['delete-imported-material', 'DeleteImportedKeyMaterial', 'PendingImport', undefined],
  ['schedule-deletion', 'ScheduleKeyDeletion', 'PendingDeletion', undefined],
])('%s', (action, operation, state, before) => {
  const prepared = async (options: Parameters<typeof openBentKms>[0] = {}) => {
    const opened = await imported(options);
    if (before !== undefined) await opened.device.perform({ action: before, args: { key: opened.key } });
    return { ...opened, call: { action, args: { key: opened.key } } };
  };

  it('is absent before, done after', async () => {
    const { device, key, call } = await prepared();
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    expect((await device.perform(call)).violations).toEqual([]);
    expect(await stateOf(device, key)).toBe(state);
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
    await device.close();
  });

  it.each([
    ['lost', losing(operation), 'done'],
    ['dropped', dropping(operation), 'absent'],
  ])('is settled after a %s answer, sent once', async (_name, bend, settled) => {
    const { device, sent, call } = await prepared({ bend });
    expect(await caught(device.perform(call))).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    expect(sent.filter((each) => each === operation)).toHaveLength(1);
    expect(await device.reconcile(call, null)).toMatchObject({ state: settled });
    await device.close();
  });

  it('refuses a key that is not there', async () => {
    const { device, key } = await prepared();
    const gone = { ...key, locator: { ...key.locator, id: '11111111-2222-4333-8444-555555555555' } };
    const error = await caught(device.perform({ action, args: { key: gone } }));
    expect(error).toMatchObject({ code: 'key-not-found', outcome: 'not-applied' });
    await device.close();
  });
});

describe('schedule-deletion', () => {
  it('takes a key that is scheduled already as done', async () => {
    const { device, key } = await imported();
    const call = { action: 'schedule-deletion', args: { key, days: 30 } };
    const first = await device.perform(call);
    expect(await device.perform({ ...call, args: { key, days: 7 } })).toEqual(first);
    const days = (Date.parse(String(first.outputs.deletion_date)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29);
    await device.close();
  });

  it('is seven days where nobody says', async () => {
    const { device, key } = await imported();
    const { outputs } = await device.perform({ action: 'schedule-deletion', args: { key } });
    const days = (Date.parse(String(outputs.deletion_date)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    await device.close();
  });

  it('leaves a key alone that an alias points to', async () => {
    const { device, sent, key } = await imported();
    await create(device, 'create-alias', { alias: 'alias/in-use', key });
    const error = await caught(device.perform({ action: 'schedule-deletion', args: { key } }));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(error.message).toContain('alias/in-use');
    expect(sent).not.toContain('ScheduleKeyDeletion');
    expect(await stateOf(device, key)).toBe('Enabled');
    await device.close();
  });

  it.each([6, 31])('refuses %i days', async (days) => {
    const { device, key } = await imported();
    const error = await caught(device.perform({ action: 'schedule-deletion', args: { key, days } }));
    expect(error).toMatchObject({ code: 'argument-invalid' });
    await device.close();
  });
});

it('a key without material can be neither enabled nor disabled', async () => {
  const { device } = await openBentKms();
  const key = await createdKey(device);
  for (const action of ['enable-key', 'disable-key']) {
    expect(await caught(device.perform({ action, args: { key } }))).toMatchObject({
      code: 'device-refused',
      native: { name: 'KMSInvalidStateException' },
    });
  }
  await device.close();
});

it('material that was deleted comes back only as it was', async () => {
  const { device, key } = await imported();
  await device.perform({ action: 'delete-imported-material', args: { key } });
  expect(await caught(importInto(device, key, randomBytes(32)))).toMatchObject({ code: 'device-refused' });
  expect((await importInto(device, key, AES)).violations).toEqual([]);
  expect(await stateOf(device, key)).toBe('Enabled');
  await device.close();
});

it('finds keys by what they are called', async () => {
  const { device } = await openBentKms();
  const aes = await createdKey(device);
  const rsa = sourceKey({ type: 'rsa', class: 'private', bits: 2048, label: 'signing', attributes: { sign: true } });
  const signing = await createdKey(device, { like: rsa });
  const find = async (args: Readonly<Record<string, unknown>>) => {
    const { outputs } = await device.perform({ action: 'find-keys', args });
    return (outputs.keys as KeyRef[]).map(({ locator }) => locator.id);
  };
  expect(await find({ label: 'payments-1' })).toEqual([aes.locator.id]);
  expect(await find({ 'label-prefix': 'sign' })).toEqual([signing.locator.id]);
  expect(await find({ class: 'private' })).toEqual([signing.locator.id]);
  expect(await find({ type: 'aes' })).toEqual([aes.locator.id]);
  expect(await find({ id: aes.locator.id })).toEqual([aes.locator.id]);
  expect(await find({ alias: 'alias/none' })).toEqual([]);
  expect(await find({})).toHaveLength(2);
  await device.close();
});

describe('attributes', () => {
  it('are those of every device', async () => {
    const { device, key } = await imported();
    const { outputs } = await device.perform({ action: 'get-attributes', args: { key } });
    expect(outputs).toMatchObject({
      label: 'payments-1',
      type: 'aes',
      bits: 256,
      kcv: '',
      extractable: false,
      encrypt: true,
      local: false,
    });
    await device.close();
  });

  it('can be required', async () => {
    const { device, key } = await imported();
    const wanted = { key, name: 'encrypt', value: true };
    expect(await device.preview('require-attribute', [wanted], null)).toEqual([[]]);
    expect(await device.perform({ action: 'require-attribute', args: wanted })).toEqual({
      outputs: {},
      violations: [],
    });
    const missing = { key, name: 'extractable', value: true };
    expect(await device.preview('require-attribute', [missing], null)).toEqual([
      [{ level: 'skip', reason: 'not extractable' }],
    ]);
    expect(await caught(device.perform({ action: 'require-attribute', args: missing }))).toMatchObject({
      code: 'key-not-extractable',
    });
    await device.close();
  });
});
