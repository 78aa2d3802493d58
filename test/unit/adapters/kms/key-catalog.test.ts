/** What the adapter makes of an account whose lists, tags and keys are not as it would have them. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  create,
  createdKey,
  dropping,
  jsonAnswer,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }],
};

async function inventory(device: Device): Promise<number> {
  let count = 0;
  for await (const page of device.inventory({})) count += page.length;
  return count;
}

it('gives up a list whose next page is the same again', async () => {
  const page = jsonAnswer(200, { Keys: [], Truncated: true, NextMarker: 'again' });
  const { device, sent } = await openBentKms({ bend: answering('ListKeys', page) });
  expect(await caught(inventory(device))).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  expect(sent.filter((operation) => operation === 'ListKeys')).toHaveLength(2);
  await device.close();
});

it.each(['ListKeys', 'ListAliases', 'ListResourceTags'])('trusts no list that is cut off: %s', async (operation) => {
  let isCut = false;
  const page = jsonAnswer(200, { Keys: [], Aliases: [], Tags: [], Truncated: true });
  const { device, sent } = await openBentKms({ bend: async (asked) => (isCut && asked === operation ? page : null) });
  const key = await createdKey(device);
  isCut = true;
  const doing =
    operation === 'ListAliases' ? device.perform({ action: 'schedule-deletion', args: { key } }) : inventory(device);
  const error = await caught(doing);
  expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  expect(error.message).toContain('a page names no next one');
  expect(sent).not.toContain('ScheduleKeyDeletion');
  await device.close();
});

it('takes the older name of a spec for it', async () => {
  const { device } = await openBentKms({
    bend: async (operation, _nth, carryOut) => {
      if (operation !== 'CreateKey' && operation !== 'DescribeKey') return null;
      const { KeyMetadata: shown } = JSON.parse(Buffer.from((await carryOut()).body).toString());
      return jsonAnswer(200, { KeyMetadata: { ...shown, KeySpec: undefined } });
    },
  });
  const { outputs, violations } = await create(device, 'create-key', { spec: 'HMAC_256' });
  expect(violations).toEqual([]);
  expect(outputs.key).toMatchObject({ locator: { class: 'secret', type: 'generic-secret' } });
  expect(await device.read(outputs.key as KeyRef)).toMatchObject({ type: 'generic-secret', bits: 256 });
  await device.close();
});

describe('a key that its policy closes to the caller', () => {
  it.each([
    ['DescribeKey', 'AccessDeniedException'],
    ['ListResourceTags', 'AccessDeniedException'],
    ['DescribeKey', 'NotAuthorized'],
  ])('is left out of lists, and others are not: %s, %s', async (operation, name) => {
    let isClosed = false;
    const { device } = await openBentKms({
      bend: async (asked, nth) => (isClosed && asked === operation && nth % 2 === 0 ? refusal(name) : null),
    });
    for (const label of ['a', 'b', 'c', 'd']) await createdKey(device, { like: sourceKey({ label }) });
    isClosed = true;
    expect(await inventory(device)).toBe(2);
    isClosed = false;
    expect(await inventory(device)).toBe(4);
    await device.close();
  });

  it.each([
    ['may be the one that was made under a policy of the playbook', { policy: POLICY }, 'ambiguous'],
    ['is not the one that was made under the default policy', {}, 'absent'],
  ])('%s', async (_name, more, state) => {
    const { device } = await openBentKms({
      bend: async (operation, nth, carryOut) => {
        if (operation === 'DescribeKey') return refusal('AccessDeniedException');
        return await dropping('CreateKey', 2)(operation, nth, carryOut);
      },
    });
    await createdKey(device, { like: undefined, spec: 'SYMMETRIC_DEFAULT' });
    const args = { spec: 'SYMMETRIC_DEFAULT', ...more };
    const { expectation } = await device.expect({ action: 'create-key', args }, null);
    const call = { action: 'create-key', args, expectation };
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    await device.close();
    // Another process: it knows of no key.
    const later = await openBentKms({
      bend: async (operation) => {
        if (operation === 'ListKeys') return jsonAnswer(200, { Keys: [{ KeyId: 'closed' }], Truncated: false });
        return operation === 'DescribeKey' ? refusal('AccessDeniedException') : null;
      },
    });
    expect(await later.device.reconcile(call, null)).toMatchObject({ state });
    await later.device.close();
  });
});

describe('create-key looks at what came of it', () => {
  it('finds that tags are dropped', async () => {
    const { device } = await openBentKms({
      bend: answering('ListResourceTags', jsonAnswer(200, { Tags: [], Truncated: false })),
    });
    const { violations } = await create(device, 'create-key', { like: sourceKey() });
    expect(violations).toMatchObject([{ code: 'attribute-mismatch', message: expect.stringContaining('tags') }]);
    await device.close();
  });

  it('waits for tags that are late, and looks at those of the first key only', async () => {
    const { device, sent } = await openBentKms({
      bend: async (operation, nth) =>
        operation === 'ListResourceTags' && nth < 4 ? jsonAnswer(200, { Tags: [], Truncated: false }) : null,
    });
    for (const label of ['a', 'b', 'c']) {
      const { violations } = await create(device, 'create-key', { like: sourceKey({ label }) });
      expect(violations).toEqual([]);
    }
    expect(sent.filter((operation) => operation === 'ListResourceTags')).toHaveLength(4);
    await device.close();
  });

  it('does not mind when it may not look', async () => {
    const { device } = await openBentKms({ bend: answering('ListResourceTags', refusal('AccessDeniedException')) });
    const { violations } = await create(device, 'create-key', { like: sourceKey() });
    expect(violations).toEqual([]);
    await device.close();
  });

  it('finds a key of another origin, and gives it no name', async () => {
    const { device, sent } = await openBentKms({
      bend: async (operation, _nth, carryOut) => {
        if (operation !== 'CreateKey') return null;
        const { KeyMetadata: made } = JSON.parse(Buffer.from((await carryOut()).body).toString());
        return jsonAnswer(200, { KeyMetadata: { ...made, Origin: 'AWS_KMS' } });
      },
    });
    const { violations } = await create(device, 'create-key', { like: sourceKey(), alias: 'alias/payments' });
    expect(violations).toMatchObject([{ message: expect.stringContaining('has Origin AWS_KMS, not EXTERNAL') }]);
    expect(sent).not.toContain('CreateAlias');
    await device.close();
  });
});
