/** Creating, describing, listing and deleting objects: identity, sequence, origin, limits, and the lengths that users measured. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { OBJECT_TYPE, type ObjectTypeName } from '../../../../../src/adapters/yubihsm/wire/object-types.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, headed, loginAs, type Wanted, withId } from '../../../../support/yubihsm-device-client.ts';
import { aPrivateKey, modulusOf, primesOf } from '../../../../support/yubihsm-device-keys.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let client: DeviceClient;

beforeEach(async () => {
  client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
});

const opaque = (wanted: Omit<Wanted, 'algorithm'> = {}, data: Uint8Array = Buffer.from('data')) =>
  client.create('put-opaque', { algorithm: 'opaque-data', ...wanted }, data);

async function list(filter: Uint8Array = new Uint8Array(0), by: DeviceClient = client): Promise<string[]> {
  const reply = await by.call('list-objects', filter);
  const found: string[] = [];
  for (let at = 0; at < reply.length; at += 4)
    found.push(`${reply[at + 2]}/${((reply[at] ?? 0) << 8) | (reply[at + 1] ?? 0)}`);
  return found.sort();
}

test('a new device has the factory key alone', async () => {
  const info = await client.info('authentication-key', 1);
  expect(Buffer.from(info.label).toString('latin1')).toBe(
    'DEFAULT AUTHKEY CHANGE THIS ASAP\0\xc0\xff\xee\xc0\xff\xee\x01',
  );
  expect(info).toMatchObject({ length: 40, domains: 0xffff, algorithm: 38, origin: 2, sequence: 0 });
  expect(info.capabilities).toBe(0xffff_ffff_ffff_ffffn);
  expect(info.delegatedCapabilities).toBe(info.capabilities);
  expect(await list()).toEqual(['2/1']);
});

describe('what a created object says of itself', () => {
  const rsa = aPrivateKey('rsa2048');
  const cases: readonly [string, Parameters<DeviceClient['create']>, ObjectTypeName, number, number][] = [
    ['opaque', ['put-opaque', { algorithm: 'opaque-data' }, randomBytes(200)], 'opaque', 200, 2],
    [
      'authentication key',
      [
        'put-authentication-key',
        { algorithm: 'aes128-yubico-authentication', delegates: ['sign-ecdsa'] },
        randomBytes(32),
      ],
      'authentication-key',
      40,
      2,
    ],
    ['imported RSA', ['put-asymmetric-key', { algorithm: 'rsa2048' }, primesOf(rsa)], 'asymmetric-key', 896, 2],
    ['generated P-256', ['generate-asymmetric-key', { algorithm: 'ecp256' }], 'asymmetric-key', 96, 1],
    ['generated P-521', ['generate-asymmetric-key', { algorithm: 'ecp521' }], 'asymmetric-key', 198, 1],
    ['generated Brainpool 384', ['generate-asymmetric-key', { algorithm: 'ecbp384' }], 'asymmetric-key', 144, 1],
    ['generated Ed25519', ['generate-asymmetric-key', { algorithm: 'ed25519' }], 'asymmetric-key', 128, 1],
    ['AES', ['put-symmetric-key', { algorithm: 'aes256' }, randomBytes(32)], 'symmetric-key', 32, 2],
    ['generated AES', ['generate-symmetric-key', { algorithm: 'aes192' }], 'symmetric-key', 24, 1],
    ['HMAC', ['put-hmac-key', { algorithm: 'hmac-sha256' }, randomBytes(20)], 'hmac-key', 128, 2],
    ['generated HMAC', ['generate-hmac-key', { algorithm: 'hmac-sha512' }], 'hmac-key', 256, 1],
    ['AES wrap key', ['generate-wrap-key', { algorithm: 'aes256-ccm-wrap', delegates: [] }], 'wrap-key', 40, 1],
    ['RSA wrap key', ['put-wrap-key', { algorithm: 'rsa2048', delegates: [] }, primesOf(rsa)], 'wrap-key', 904, 2],
    [
      'public wrap key',
      ['put-public-wrap-key', { algorithm: 'rsa2048', delegates: [] }, modulusOf(rsa)],
      'public-wrap-key',
      264,
      2,
    ],
  ];
  test.each(cases)('%s', async (_name, creation, type, length, origin) => {
    const id = await client.create(...creation);
    expect(await client.info(type, id)).toMatchObject({ id, type: OBJECT_TYPE[type], length, origin, sequence: 0 });
  });
});

describe('ids', () => {
  test('0 lets the device pick one that is free', async () => {
    const id = await opaque({ id: 0 });
    expect(id).toBeGreaterThan(0);
    expect(id).toBeLessThan(0xffff);
  });
  test('a taken one is refused, the same one of another type is not', async () => {
    await opaque({ id: 7 });
    await expectRefused(opaque({ id: 7 }), 'object-exists');
    expect(await client.create('generate-hmac-key', { id: 7, algorithm: 'hmac-sha1' })).toBe(7);
  });
  test('ffff is reserved', async () => await expectRefused(opaque({ id: 0xffff }), 'invalid-id'));
});

test('the sequence counts each writing of a type and id', async () => {
  for (const sequence of [0, 1, 2]) {
    await opaque({ id: 9 });
    expect(await client.info('opaque', 9)).toMatchObject({ sequence });
    await client.remove('opaque', 9);
  }
  await client.create('generate-hmac-key', { id: 9, algorithm: 'hmac-sha1' });
  expect(await client.info('hmac-key', 9)).toMatchObject({ sequence: 0 });
});

describe('what a creation is refused for', () => {
  test.each<[string, () => Promise<unknown>, Parameters<typeof expectRefused>[1]]>([
    [
      'an algorithm of another type',
      () => client.create('generate-symmetric-key', { algorithm: 'rsa2048' }),
      'invalid-data',
    ],
    ['an algorithm that does not exist', () => client.call('put-opaque', algorithmByte(200)), 'invalid-data'],
    ['no domain', () => opaque({ domains: 0 }), 'invalid-data'],
    ['a short key', () => client.create('put-symmetric-key', { algorithm: 'aes256' }, randomBytes(31)), 'wrong-length'],
    ['no data', () => opaque({}, new Uint8Array(0)), 'wrong-length'],
    [
      'a long HMAC key',
      () => client.create('put-hmac-key', { algorithm: 'hmac-sha1' }, randomBytes(65)),
      'wrong-length',
    ],
    ['a header that ends early', () => client.call('put-opaque', randomBytes(30)), 'wrong-length'],
    [
      'more than a header',
      () => client.create('generate-asymmetric-key', { algorithm: 'ecp256' }, randomBytes(1)),
      'wrong-length',
    ],
    [
      'a scalar of zero',
      () => client.create('put-asymmetric-key', { algorithm: 'ecp256' }, new Uint8Array(32)),
      'invalid-data',
    ],
    [
      'a scalar above the order',
      () => client.create('put-asymmetric-key', { algorithm: 'ecp256' }, new Uint8Array(32).fill(255)),
      'invalid-data',
    ],
    [
      'factors that are no primes',
      () => client.create('put-asymmetric-key', { algorithm: 'rsa2048' }, new Uint8Array(256).fill(255)),
      'invalid-data',
    ],
    [
      'an even modulus',
      () =>
        client.create('put-public-wrap-key', { algorithm: 'rsa2048', delegates: [] }, new Uint8Array(256).fill(254)),
      'invalid-data',
    ],
    [
      'a point off the curve',
      () =>
        client.create(
          'put-authentication-key',
          { algorithm: 'ecp256-yubico-authentication', delegates: [] },
          randomBytes(64),
        ),
      'invalid-data',
    ],
  ])('%s', async (_name, call, error) => {
    await expectRefused(call(), error);
    expect(await list()).toEqual(['2/1']);
  });

  const algorithmByte = (algorithm: number): Uint8Array => {
    const payload = headed({ algorithm: 'opaque-data' }, Buffer.from('data'));
    payload[52] = algorithm;
    return payload;
  };
});

describe('limits', () => {
  test('256 objects, and one more is refused', async () => {
    for (let id = 1; id < 256; id += 1) await opaque({ id });
    await expectRefused(opaque({ id: 300 }), 'storage-failed');
    await client.remove('opaque', 1);
    expect(await opaque({ id: 300 })).toBe(300);
  });
  test('1024 pages of 126 bytes', async () => {
    for (let id = 1; id <= 63; id += 1) await opaque({ id }, randomBytes(1968));
    expect(Buffer.from(await client.call('get-storage-info')).toString('hex')).toBe('010000c00400000f007e');
    await expectRefused(opaque({}, randomBytes(1968)), 'storage-failed');
  });
});

describe('listing', () => {
  test('filters by each field, all at once', async () => {
    await opaque({ id: 5, domains: 1, label: 'five', can: ['exportable-under-wrap'] });
    await opaque({ id: 6, domains: 2, label: 'six' });
    await client.create('generate-hmac-key', { id: 5, algorithm: 'hmac-sha1', domains: 4 });
    const filter = (tag: number, ...rest: number[]): Uint8Array => Uint8Array.of(tag, ...rest);
    expect(await list()).toEqual(['1/5', '1/6', '2/1', '5/5']);
    expect(await list(filter(1, 0, 5))).toEqual(['1/5', '5/5']);
    expect(await list(filter(2, OBJECT_TYPE.opaque))).toEqual(['1/5', '1/6']);
    expect(await list(filter(3, 0, 6))).toEqual(['1/6', '2/1', '5/5']);
    expect(
      await list(
        new ByteWriter()
          .u8(4)
          .u64(1n << 16n)
          .toBytes(),
      ),
    ).toEqual(['1/5', '2/1']);
    expect(await list(filter(5, 30))).toEqual(['1/5', '1/6']);
    expect(await list(new ByteWriter().u8(6).label(Buffer.from('six')).toBytes())).toEqual(['1/6']);
    expect(await list(Buffer.concat([filter(1, 0, 5), filter(2, OBJECT_TYPE.opaque)]))).toEqual(['1/5']);
  });
  test('refuses a filter that it does not know, and one that ends early', async () => {
    await expectRefused(client.call('list-objects', Uint8Array.of(7)), 'invalid-data');
    await expectRefused(client.call('list-objects', Uint8Array.of(1, 0)), 'wrong-length');
  });
});

describe('another domain', () => {
  test('hides objects: not found, never not permitted', async () => {
    const id = await opaque({ domains: 2 });
    const stranger = await loginAs(client, { domains: 1, can: ['get-opaque', 'delete-opaque'] });
    await expectRefused(stranger.call('get-opaque', withId(id)), 'object-not-found');
    await expectRefused(stranger.info('opaque', id), 'object-not-found');
    await expectRefused(stranger.remove('opaque', id), 'object-not-found');
    expect((await list(new Uint8Array(0), stranger)).some((name) => name.startsWith('1/'))).toBe(false);
  });
  test('cannot be given to a new object', async () => {
    const member = await loginAs(client, { domains: 1, can: ['put-opaque'] });
    const payload = headed({ algorithm: 'opaque-data', domains: 3 }, Buffer.from('data'));
    await expectRefused(member.call('put-opaque', payload), 'insufficient-permissions');
  });
});

describe('deleting', () => {
  test('ends the object', async () => {
    const id = await opaque();
    await client.remove('opaque', id);
    await expectRefused(client.remove('opaque', id), 'object-not-found');
    await expectRefused(client.call('get-opaque', withId(id)), 'object-not-found');
  });
  test('of a type that does not exist is invalid data', async () => {
    await expectRefused(client.callCode(COMMAND['delete-object'], Uint8Array.of(0, 1, 99)), 'invalid-data');
    for (const type of ['template', 'otp-aead-key'] as const) {
      await expectRefused(client.remove(type, 1), 'object-not-found');
      await expectRefused((await loginAs(client, {})).remove(type, 1), 'insufficient-permissions');
    }
  });
});

test('an opaque is read with the capability on the session alone', async () => {
  const id = await opaque({ can: [] }, Buffer.from('bytes'));
  expect(Buffer.from(await client.call('get-opaque', withId(id))).toString()).toBe('bytes');
});
