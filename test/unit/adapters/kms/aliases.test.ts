import { describe, expect, it } from 'vitest';
import { type ActionCall, type Device, notYet } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  create,
  createdKey,
  dropping,
  losing,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const alias = 'alias/payments';

const target = async (device: Device): Promise<string | undefined> => {
  const { outputs } = await device.perform({ action: 'find-keys', args: { alias } });
  return (outputs.keys as KeyRef[])[0]?.locator.id;
};

const request = async (
  device: Device,
  action: string,
  args: Readonly<Record<string, unknown>>,
): Promise<ActionCall> => {
  const { expectation } = await device.expect({ action, args }, null);
  return { action, args, expectation };
};

/** Two keys of one source, and one of another. */
async function site(options: Parameters<typeof openBentKms>[0] = {}) {
  const { device, sent } = await openBentKms(options);
  const old = await createdKey(device);
  const renewed = await createdKey(device);
  const foreign = await createdKey(device, { like: sourceKey({ label: 'other' }) });
  return { device, sent, old, renewed, foreign };
}

describe('create-alias', () => {
  it('names a key', async () => {
    const { device, old } = await site();
    const { outputs } = await create(device, 'create-alias', { alias, key: old });
    expect(outputs).toEqual({ alias, cut_over: { alias, key: old.locator.id, previous: '' } });
    expect(await target(device)).toBe(old.locator.id);
    await device.close();
  });

  it('leaves an alias of another key where it is', async () => {
    const { device, old, foreign } = await site();
    await create(device, 'create-alias', { alias, key: foreign });
    const [found = []] = await device.preview('create-alias', [{ alias, key: old }], null);
    expect(found).toEqual([{ level: 'block', reason: expect.stringContaining(foreign.locator.id) }]);
    const call = await request(device, 'create-alias', { alias, key: old });
    expect(await caught(device.perform(call))).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(await target(device)).toBe(foreign.locator.id);
    expect((await device.reconcile(call, null)).state).toBe('ambiguous');
    await device.close();
  });

  it('is absent before, done after, and the same twice', async () => {
    const { device, old } = await site();
    const call = await request(device, 'create-alias', { alias, key: old });
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    const first = await device.perform(call);
    expect(await device.perform(call)).toEqual(first);
    expect(await device.reconcile(call, null)).toEqual({ state: 'done', ...first });
    await device.close();
  });

  it.each(['payments', 'alias/aws/x', 'alias/', 'alias/a b'])('refuses the name %j', async (name) => {
    const { device, old } = await site();
    expect(await caught(create(device, 'create-alias', { alias: name, key: old }))).toMatchObject({
      code: 'argument-invalid',
    });
    await device.close();
  });
});

describe('point-alias', () => {
  it('makes the alias, and takes it away again', async () => {
    const { device, old } = await site();
    const { outputs, violations } = await create(device, 'point-alias', { alias, key: old });
    expect(violations).toEqual([]);
    expect(outputs).toMatchObject({ previous: '', cut_over: { alias, key: old.locator.id, previous: '' } });
    await device.perform({ action: 'restore-alias', args: { 'cut-over': outputs.cut_over } });
    expect(await target(device)).toBeUndefined();
    await device.close();
  });

  it('leaves a key of the same source, and goes back to it', async () => {
    const { device, old, renewed } = await site();
    await create(device, 'create-alias', { alias, key: old });
    const { outputs } = await create(device, 'point-alias', { alias, key: renewed });
    expect(outputs.previous).toBe(old.locator.id);
    expect(await target(device)).toBe(renewed.locator.id);
    await device.perform({ action: 'restore-alias', args: { 'cut-over': outputs.cut_over } });
    expect(await target(device)).toBe(old.locator.id);
    await device.close();
  });

  it('leaves no other key unasked', async () => {
    const { device, sent, old, foreign } = await site();
    await create(device, 'create-alias', { alias, key: foreign });
    const [found = []] = await device.preview('point-alias', [{ alias, key: old }], null);
    expect(found).toEqual([{ level: 'block', reason: expect.stringContaining(foreign.locator.id) }]);
    expect(await caught(create(device, 'point-alias', { alias, key: old }))).toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
    const wrong = { alias, key: old, 'previous-key': old.locator.id };
    expect(await caught(create(device, 'point-alias', wrong))).toMatchObject({ code: 'device-refused' });
    expect(sent).not.toContain('UpdateAlias');
    expect(await target(device)).toBe(foreign.locator.id);
    await device.close();
  });

  it('says before the key is made whether the alias may leave the one it points to', async () => {
    const { device, old, foreign } = await site();
    await create(device, 'create-alias', { alias, key: old });
    await create(device, 'create-alias', { alias: 'alias/other', key: foreign });
    const args = { alias, key: notYet('key') };
    const calls = [{ ...args, like: sourceKey() }, { ...args, alias: 'alias/other', like: sourceKey() }, args];
    const [same, other, unsaid] = await device.preview('point-alias', calls, null);
    expect(same).toEqual([{ level: 'note', reason: expect.stringContaining(old.locator.id) }]);
    expect(other).toEqual([
      { level: 'block', reason: expect.stringContaining('nor keyferry made of the same source') },
    ]);
    // Without `like` nobody can tell, and the plan does not say that it is another.
    expect(unsaid).toEqual([{ level: 'block', reason: expect.stringContaining('like: would tell') }]);
    await device.close();
  });

  it.each([
    ['the key is named', (foreign: KeyRef) => ({ 'previous-key': foreign })],
    ['its id is named', (foreign: KeyRef) => ({ 'previous-key': foreign.locator.id })],
    ['it may replace', () => ({ replace: true })],
  ])('leaves another key when %s', async (_name, more) => {
    const { device, old, foreign } = await site();
    await create(device, 'create-alias', { alias, key: foreign });
    const args = { alias, key: old, ...more(foreign) };
    expect(await device.preview('point-alias', [args], null)).toEqual([
      [{ level: 'note', reason: expect.stringContaining(foreign.locator.id) }],
    ]);
    expect((await create(device, 'point-alias', args)).outputs.previous).toBe(foreign.locator.id);
    expect(await target(device)).toBe(old.locator.id);
    await device.close();
  });

  it('remembers where it was when the answer is lost', async () => {
    const { device, old, renewed } = await site({ bend: losing('UpdateAlias') });
    await create(device, 'create-alias', { alias, key: old });
    const call = await request(device, 'point-alias', { alias, key: renewed });
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({
      state: 'done',
      outputs: { previous: old.locator.id, cut_over: { alias, key: renewed.locator.id, previous: old.locator.id } },
    });
    await device.close();
  });

  it('is absent when it never arrived, ambiguous when somebody else moved it', async () => {
    const { device, old, renewed, foreign } = await site({ bend: dropping('UpdateAlias') });
    await create(device, 'create-alias', { alias, key: old });
    const call = await request(device, 'point-alias', { alias, key: renewed });
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await create(device, 'point-alias', { alias, key: foreign, replace: true });
    expect((await device.reconcile(call, null)).state).toBe('ambiguous');
    expect((await device.reconcile({ action: call.action, args: call.args }, null)).state).toBe('ambiguous');
    expect(await caught(device.perform(call))).toMatchObject({ code: 'device-busy', outcome: 'not-applied' });
    await device.close();
  });

  it('waits through stale reads', async () => {
    const { device, old, renewed } = await site({
      service: { faults: { faults: [{ operation: 'UpdateAlias', kind: 'stale', reads: 3, isFlipping: true }] } },
    });
    await create(device, 'create-alias', { alias, key: old });
    expect((await create(device, 'point-alias', { alias, key: renewed })).violations).toEqual([]);
    await device.close();
  });
});

describe('restore-alias', () => {
  const cutOver = (key: KeyRef, previous: string) => ({ alias, key: key.locator.id, previous });

  it('leaves an alias alone that somebody has moved since', async () => {
    const { device, old, renewed, foreign } = await site();
    await create(device, 'create-alias', { alias, key: foreign });
    const call = { action: 'restore-alias', args: { 'cut-over': cutOver(renewed, old.locator.id) } };
    expect(await caught(device.perform(call))).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect((await device.reconcile(call, null)).state).toBe('ambiguous');
    expect(await target(device)).toBe(foreign.locator.id);
    await device.close();
  });

  it('is absent before, done after, and the same twice', async () => {
    const { device, old, renewed } = await site();
    await create(device, 'create-alias', { alias, key: renewed });
    const call = { action: 'restore-alias', args: { 'cut-over': cutOver(renewed, old.locator.id) } };
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await device.perform(call);
    expect(await device.perform(call)).toEqual({ outputs: {}, violations: [] });
    expect(await device.reconcile(call, null)).toEqual({ state: 'done', outputs: {}, violations: [] });
    await device.close();
  });

  it('takes only what a cut-over gave', async () => {
    const { device } = await site();
    const call = { action: 'restore-alias', args: { 'cut-over': { alias } } };
    expect(await caught(device.perform(call))).toMatchObject({ code: 'argument-invalid' });
    await device.close();
  });
});

describe('delete-alias', () => {
  it('removes the name only', async () => {
    const { device, old, foreign } = await site();
    await create(device, 'create-alias', { alias, key: old });
    const args = { alias, key: foreign };
    expect(await caught(device.perform({ action: 'delete-alias', args }))).toMatchObject({ code: 'device-refused' });
    const call = { action: 'delete-alias', args: { alias } };
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await device.perform(call);
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
    expect(await caught(device.perform(call))).toMatchObject({ code: 'key-not-found', outcome: 'not-applied' });
    expect((await device.read(old)).id).toBe(old.locator.id);
    await device.close();
  });

  it('is unknown when the answer is lost', async () => {
    const { device, old } = await site({ bend: losing('DeleteAlias') });
    await create(device, 'create-alias', { alias, key: old });
    const call = { action: 'delete-alias', args: { alias } };
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done' });
    await device.close();
  });
});

it.each(['ThrottlingException', 'TooManyRequestsException', 'ConflictException'])(
  'an alias that is not made for the moment is asked for again: %s',
  async (name) => {
    const { device, old, sent } = await site({ bend: answering('CreateAlias', refusal(name), 1) });
    await create(device, 'create-alias', { alias, key: old });
    expect(sent.filter((operation) => operation === 'CreateAlias')).toHaveLength(2);
    expect(await target(device)).toBe(old.locator.id);
    await device.close();
  },
);

it('a missing permission on an alias names both sides', async () => {
  const { device, old } = await site({ bend: answering('CreateAlias', refusal('AccessDeniedException')) });
  const error = await caught(create(device, 'create-alias', { alias, key: old }));
  expect(error).toMatchObject({ code: 'permission-missing', scope: 'item' });
  expect(error.hint).toContain('on the alias and on the key');
  await device.close();
});
