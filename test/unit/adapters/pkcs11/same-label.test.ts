import { afterEach, describe, expect, it } from 'vitest';
import { type Device, notYet } from '../../../../src/adapters/adapter.ts';
import { makeKey, openBent, SALT } from '../../../support/pkcs11-devices.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function withKey(label: string): Promise<Device> {
  const { device } = await openBent({});
  open.push(device);
  await makeKey(device, { label, id: '0a' });
  return device;
}

const AES = { type: 'aes', bits: 256 };
const note = (words: string) => [{ level: 'note', reason: expect.stringContaining(words) }];

describe('the plan of a new key', () => {
  it('tells that its label is there already, and by what', async () => {
    const device = await withKey('split');
    const found = await device.preview(
      'generate-key',
      [
        { ...AES, label: 'split' },
        { ...AES, label: 'other' },
      ],
      SALT,
    );
    expect(found).toEqual([note('has the secret key "split" (id 0a) already'), []]);
  });

  it('counts further ones', async () => {
    const device = await withKey('split');
    await makeKey(device, { label: 'split', id: '0b' });
    await makeKey(device, { label: 'split', id: '0c' });
    expect(await device.preview('generate-key', [{ ...AES, label: 'split' }], SALT)).toEqual([
      note('and 2 more of that label already'),
    ]);
  });

  it('tells the same of a copy under a label of its own, also of a key that is yet to be made', async () => {
    const device = await withKey('split');
    const calls = [
      { like: notYet('key'), label: 'split', 'new-id': true },
      { like: notYet('key'), 'new-id': true },
    ];
    expect(await device.preview('unwrap-key', calls, SALT)).toEqual([note('"split" (id 0a)'), []]);
  });

  it('compares pairs with pairs, and symmetric keys with symmetric keys', async () => {
    const device = await withKey('split');
    const pair = { label: 'split', purpose: 'wrapping', 'modulus-bits': 2048 };
    expect(await device.preview('generate-rsa-key-pair', [pair], SALT)).toEqual([[]]);
    const { expectation } = await device.expect({ action: 'generate-rsa-key-pair', args: pair }, null);
    await device.perform({ action: 'generate-rsa-key-pair', args: pair, expectation });
    expect(await device.preview('generate-rsa-key-pair', [pair], SALT)).toEqual([note('key "split"')]);
  });

  it('has no place for it beside what blocks', async () => {
    const device = await withKey('split');
    const found = await device.preview('generate-key', [{ type: 'aes', bits: 40, label: 'split' }], SALT);
    expect(found).toMatchObject([[{ level: 'block' }]]);
    expect(found[0]).toHaveLength(1);
  });
});
