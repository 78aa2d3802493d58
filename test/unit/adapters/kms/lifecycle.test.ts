import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  type Bend,
  create,
  createdKey,
  dropping,
  importInto,
  jsonAnswer,
  losing,
  openBentKms,
  refusal,
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

describe('a multi-Region primary whose replicas have to go first', () => {
  const waiting: Bend = async (operation, _nth, carryOut) => {
    if (operation === 'ScheduleKeyDeletion') return refusal('KMSInvalidStateException');
    if (operation !== 'DescribeKey') return null;
    const { KeyMetadata: shown } = JSON.parse(Buffer.from((await carryOut()).body).toString());
    return jsonAnswer(200, { KeyMetadata: { ...shown, KeyState: 'PendingReplicaDeletion' } });
  };

  it('counts as scheduled', async () => {
    const { device } = await openBentKms({ bend: waiting });
    const key = await createdKey(device, { 'multi-region': true });
    const call = { action: 'schedule-deletion', args: { key } };
    expect(await device.perform(call)).toMatchObject({ outputs: { deletion_date: '' }, violations: [] });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
    const importing = { action: 'get-import-parameters', args: { key, mechanism: 'rsa-oaep-sha256' } };
    const error = await caught(device.perform(importing));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(error.message).toContain('is pending deletion');
    await device.close();
  });
});

describe('schedule-deletion', () => {
  it('looks at the aliases of its key only, where a service lists those of all', async () => {
    const { device } = await openBentKms({
      bend: async (operation, _nth, carryOut) => {
        if (operation !== 'ListAliases') return null;
        const { Aliases: own } = JSON.parse(Buffer.from((await carryOut()).body).toString());
        const other = { AliasName: 'alias/other', TargetKeyId: '00000000-1111-4222-8333-444444444444' };
        return jsonAnswer(200, { Aliases: [...own, other], Truncated: false });
      },
    });
    const [free, used] = [await createdKey(device), await createdKey(device, { like: sourceKey({ label: 'used' }) })];
    await create(device, 'create-alias', { alias: 'alias/used', key: used });
    const refused = await caught(device.perform({ action: 'schedule-deletion', args: { key: used } }));
    expect(refused.message).toContain('alias/used points to it');
    await device.perform({ action: 'schedule-deletion', args: { key: free } });
    expect(await stateOf(device, free)).toBe('PendingDeletion');
    await device.close();
  });

  it('does not take a new key for gone, where the aliases have not heard of it yet', async () => {
    const { device, sent } = await openBentKms({
      bend: async (operation, nth) =>
        operation === 'ListAliases' && nth % 5 !== 0 ? refusal('NotFoundException') : null,
    });
    const key = await createdKey(device);
    await device.perform({ action: 'schedule-deletion', args: { key } });
    expect(await stateOf(device, key)).toBe('PendingDeletion');
    expect(sent.filter((operation) => operation === 'ListAliases').length).toBeGreaterThan(4);
    await device.close();
  });

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
