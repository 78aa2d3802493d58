import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import {
  type BentOptions,
  makeKey,
  makeRoute,
  openBent,
  SALT,
  unwrapCall,
  wrapCall,
} from '../../../support/pkcs11-devices.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function bent(options: BentOptions = {}): Promise<Device> {
  const { device } = await openBent(options);
  open.push(device);
  return device;
}

async function known(device: Device, key: KeyRef): Promise<KeyRef> {
  const fingerprint = await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb'] });
  return { ...key, locator: { ...key.locator, fingerprint } };
}

/** The same material under other names: what a source with copies of a key looks like to the target. */
const renamed = (key: KeyRef, label: string, id: string): KeyRef => ({
  ...key,
  locator: { ...key.locator, label: Buffer.from(label).toString('hex'), id },
});

const levels = async (device: Device, likes: readonly KeyRef[]) =>
  (
    await device.preview(
      'unwrap-key',
      likes.map((like) => ({ like })),
      SALT,
    )
  ).map((found) => found[0]?.level ?? 'move');

describe('material that is on the target already', () => {
  it('counts for as many source keys as there are copies, same names first', async () => {
    const device = await bent();
    const original = await known(device, await makeKey(device, { label: 'a', id: '0a' }));
    const route = await makeRoute(device, device);
    const wrapped = await device.perform(wrapCall(original, route));
    await device.perform(unwrapCall(wrapped.outputs.data, original, route, { label: 'b', id: '0b' }));
    const sources = [
      renamed(original, 'x', '01'),
      renamed(original, 'y', '02'),
      renamed(original, 'a', '0a'),
      renamed(original, 'z', '03'),
    ];
    // Two copies: `a` is that of the third source key, the other goes to the first that asks.
    expect(await levels(device, sources)).toEqual(['duplicate', 'move', 'duplicate', 'move']);
    // The same question again has the same answer.
    expect(await levels(device, sources)).toEqual(['duplicate', 'move', 'duplicate', 'move']);
  });

  it('says where it is', async () => {
    const device = await bent();
    const key = await known(device, await makeKey(device, { label: 'there', id: '0a' }));
    const [findings] = await device.preview('unwrap-key', [{ like: renamed(key, 'x', '01') }], SALT);
    expect(findings).toEqual([{ level: 'duplicate', reason: 'already on bent as secret key "there" (id 0a)' }]);
  });

  it('is looked for once, not once per key', async () => {
    let uses = 0;
    const device = await bent({
      bend: (real) => ({
        encrypt: (...args) => {
          uses += 1;
          return real.encrypt(...args);
        },
      }),
    });
    const keys: KeyRef[] = [];
    for (let index = 0; index < 5; index += 1)
      keys.push(await known(device, await makeKey(device, { label: `k${index}` })));
    uses = 0;
    for (const key of keys) await device.preview('unwrap-key', [{ like: key }], SALT);
    expect(uses).toBe(5);
  });

  it('is looked for again when the target changed', async () => {
    const device = await bent();
    const key = await known(device, await makeKey(device, { label: 'gone', id: '0a' }));
    const like = renamed(key, 'x', '01');
    expect(await levels(device, [like])).toEqual(['duplicate']);
    await device.perform({ action: 'delete-key', args: { key } });
    expect(await levels(device, [like])).toEqual(['move']);
  });
});

describe('an id that is taken', () => {
  const taken = async (uniqueIds: boolean) => {
    const device = await bent({ open: { capabilities: { uniqueIds } } });
    await makeKey(device, { label: 'owner', id: '0a' });
    const other = await known(device, await makeKey(device, { label: 'other', id: '0b' }));
    const like = renamed(other, 'other', '0a');
    const stranger = {
      ...like,
      locator: { ...like.locator, fingerprint: { method: 'encrypt-ecb', value: 'none' } as const },
    };
    return (await device.preview('unwrap-key', [{ like: stranger }], SALT))[0];
  };

  it('blocks where ids must be unique', async () => {
    expect(await taken(true)).toEqual([
      { level: 'block', reason: 'id 0a on bent belongs to another key: secret key "owner" (id 0a)' },
    ]);
  });

  it('is noted where they need not be', async () => {
    expect((await taken(false))?.[0]?.level).toBe('note');
  });

  it('cannot be told from a copy without a fingerprint', async () => {
    const device = await bent({ open: { capabilities: { uniqueIds: true } } });
    const key = await makeKey(device, { label: 'owner', id: '0a' });
    const [findings] = await device.preview('unwrap-key', [{ like: key }], null);
    expect(findings?.[0]).toMatchObject({ level: 'block', reason: expect.stringContaining('cannot be compared') });
  });

  it('is none for a public key that shares it with a private one', async () => {
    const device = await bent({ open: { capabilities: { uniqueIds: true } } });
    const key = await makeKey(device, { label: 'owner', id: '0a' });
    const asPrivate: KeyRef = { ...key, locator: { ...key.locator, class: 'private', type: 'rsa' } };
    expect((await device.preview('unwrap-key', [{ like: asPrivate }], SALT))[0]).toEqual([]);
  });
});
