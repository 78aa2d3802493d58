/** Yubico OTP and templates. The OTP and its counters are the example of Yubico's own OTP documentation and of python-yubihsm's device tests. */
import { createDecipheriv, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import type { AlgorithmName } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import type { CapabilityName } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { DeviceClient, loginAs, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let client: DeviceClient;
beforeEach(async () => {
  client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
});

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const hex = (some: Uint8Array): string => Buffer.from(some).toString('hex');
const modhex = (text: string): Buffer =>
  bytes([...text].map((letter) => 'cbdefghijklnrtuv'.indexOf(letter).toString(16)).join(''));

const OTP_KEY = bytes('000102030405060708090a0b0c0d0e0f');
const PRIVATE_ID = bytes('010203040506');
const OTP = modhex('dvgtiblfkbgturecfllberrvkinnctnn');
/** Use counter 1, session counter 1, time 1 and 1; both words little-endian. */
const COUNTERS = '010001010100';
const NONCE_ID = bytes('45230100');
const ALL: readonly CapabilityName[] = [
  'decrypt-otp',
  'create-otp-aead',
  'randomize-otp-aead',
  'rewrap-from-otp-aead-key',
  'rewrap-to-otp-aead-key',
];

const put = (key: Uint8Array, algorithm: AlgorithmName, can = ALL): Promise<number> =>
  client.create('put-otp-aead-key', { algorithm, can }, Buffer.concat([NONCE_ID, key]));
const aeadUnder = (id: number): Promise<Uint8Array> => client.call('create-otp-aead', withId(id, OTP_KEY, PRIVATE_ID));
const decrypt = (id: number, aead: Uint8Array, otp: Uint8Array = OTP): Promise<Uint8Array> =>
  client.call('decrypt-otp', withId(id, aead, otp));

describe('Yubico OTP', () => {
  test.each([
    ['aes128-yubico-otp', 16],
    ['aes192-yubico-otp', 24],
    ['aes256-yubico-otp', 32],
  ] as const)(
    'under %s: counters of a known OTP, and an AEAD that anyone with the key can open',
    async (name, length) => {
      const key = randomBytes(length);
      const id = await put(key, name);
      expect(await client.info('otp-aead-key', id)).toMatchObject({ length: length + 4, origin: 2 });
      const aead = await aeadUnder(id);
      expect(aead).toHaveLength(36);
      expect(hex(await decrypt(id, aead))).toBe(COUNTERS);
      const nonce = Buffer.concat([NONCE_ID, aead.subarray(0, 6), Buffer.alloc(3)]);
      const open = createDecipheriv(`aes-${(length * 8) as 128 | 192 | 256}-ccm`, key, nonce, { authTagLength: 8 });
      open.setAuthTag(aead.subarray(28));
      expect(hex(open.update(aead.subarray(6, 28)))).toBe(hex(Buffer.concat([OTP_KEY, PRIVATE_ID])));
    },
  );

  test('moves to another key and works there alone', async () => {
    const from = await put(randomBytes(16), 'aes128-yubico-otp');
    const to = await client.create('generate-otp-aead-key', { algorithm: 'aes256-yubico-otp', can: ALL }, NONCE_ID);
    const aead = await aeadUnder(from);
    const ids = Uint8Array.of(to >> 8, to);
    const moved = await client.call('rewrap-otp-aead', withId(from, ids, aead));
    expect(moved).toHaveLength(36);
    expect(hex(await decrypt(to, moved))).toBe(COUNTERS);
    await expectRefused(decrypt(from, moved), 'invalid-data');
    await expectRefused(decrypt(to, aead), 'invalid-data');
  });

  test('refuses an OTP of another token, and what is not as long as it must be', async () => {
    const id = await put(randomBytes(16), 'aes128-yubico-otp');
    const aead = await aeadUnder(id);
    await expectRefused(decrypt(id, aead, randomBytes(16)), 'invalid-otp');
    await expectRefused(decrypt(id, await client.call('randomize-otp-aead', withId(id))), 'invalid-otp');
    const otherId = await client.call('create-otp-aead', withId(id, OTP_KEY, bytes('010203040507')));
    await expectRefused(decrypt(id, otherId), 'invalid-otp');
    await expectRefused(decrypt(id, aead, OTP.subarray(1)), 'wrong-length');
    await expectRefused(decrypt(id, aead, Buffer.concat([OTP, OTP])), 'wrong-length');
    await expectRefused(client.call('create-otp-aead', withId(id, OTP_KEY)), 'wrong-length');
    await expectRefused(put(randomBytes(16), 'aes256-yubico-otp'), 'wrong-length');
    await expectRefused(put(randomBytes(16), 'aes128'), 'invalid-data');
  });

  test.each([
    ['decrypt-otp', 'decrypt-otp'],
    ['create-otp-aead', 'create-otp-aead'],
    ['randomize-otp-aead', 'randomize-otp-aead'],
    ['rewrap-otp-aead', 'rewrap-from-otp-aead-key'],
    ['rewrap-otp-aead', 'rewrap-to-otp-aead-key'],
  ] as const)('%s needs %s on the key and on the session', async (command, capability) => {
    const able = await put(randomBytes(16), 'aes128-yubico-otp');
    const aead = await aeadUnder(able);
    const without = ALL.filter((other) => other !== capability);
    const unable = await put(randomBytes(16), 'aes128-yubico-otp', without);
    const ask = (id: number): Uint8Array =>
      ({
        'decrypt-otp': withId(id, aead, OTP),
        'create-otp-aead': withId(id, OTP_KEY, PRIVATE_ID),
        'randomize-otp-aead': withId(id),
        'rewrap-otp-aead': withId(id, Uint8Array.of(id >> 8, id), aead),
      })[command];
    await client.call(command, ask(able));
    await expectRefused(client.call(command, ask(unable)), 'insufficient-permissions');
    const session = await loginAs(client, { can: without });
    await expectRefused(session.call(command, ask(able)), 'insufficient-permissions');
  });

  test('leaves under wrap and comes back', async () => {
    const id = await put(randomBytes(24), 'aes192-yubico-otp', [...ALL, 'exportable-under-wrap']);
    const wrapId = await client.create('generate-wrap-key', {
      algorithm: 'aes256-ccm-wrap',
      can: ['export-wrapped', 'import-wrapped'],
      delegates: [...ALL, 'exportable-under-wrap'],
    });
    const aead = await aeadUnder(id);
    const blob = await client.call('export-wrapped', withId(wrapId, Uint8Array.of(7, id >> 8, id)));
    await client.remove('otp-aead-key', id);
    expect(hex(await client.call('import-wrapped', withId(wrapId, blob)))).toBe(
      `07${id.toString(16).padStart(4, '0')}`,
    );
    expect(hex(await decrypt(id, aead))).toBe(COUNTERS);
  });
});

describe('templates', () => {
  test('are kept, described, given back and deleted', async () => {
    const data = randomBytes(500);
    const id = await client.create('put-template', { algorithm: 'template-ssh' }, data);
    expect(await client.info('template', id)).toMatchObject({ length: 500, type: 6, algorithm: 36, origin: 2 });
    expect(hex(await client.call('get-template', withId(id)))).toBe(hex(data));
    await client.remove('template', id);
    await expectRefused(client.call('get-template', withId(id)), 'object-not-found');
  });
  test('are of no other algorithm, and not empty', async () => {
    await expectRefused(client.create('put-template', { algorithm: 'opaque-data' }, randomBytes(8)), 'invalid-data');
    await expectRefused(client.create('put-template', { algorithm: 'template-ssh' }), 'wrong-length');
  });
});
