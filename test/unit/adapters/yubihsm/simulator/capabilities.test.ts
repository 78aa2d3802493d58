/** Every capability is needed: on the session, and for uses on the object too. Delegated capabilities bound what a session can make. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../../../src/adapters/yubihsm/simulator/commands/commands.ts';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import {
  CAPABILITY_NAMES,
  type CapabilityName,
  capabilityMask,
} from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND, type CommandName, commandName } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { decodeObjectInfo } from '../../../../../src/adapters/yubihsm/wire/object-info.ts';
import { OBJECT_TYPE, type ObjectTypeName } from '../../../../../src/adapters/yubihsm/wire/object-types.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, headed, loginAs, type Wanted, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let client: DeviceClient;

beforeAll(async () => {
  client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
});

const GUARDED = [...COMMANDS.values()].flatMap(({ code, capability }) =>
  capability === undefined ? [] : [[commandName(code), capability] as const],
);

/** Commands whose capability depends on what they are asked about, or that need none. */
const UNGUARDED: readonly CommandName[] = [
  'echo',
  'close-session',
  'get-storage-info',
  'blink-device',
  'list-objects',
  'get-object-info',
  'get-public-key',
  'delete-object',
];

test('a command needs a capability or is known to need none', () => {
  const without = [...COMMANDS.values()].filter(({ capability }) => capability === undefined);
  expect(without.map(({ code }) => commandName(code)).sort()).toEqual([...UNGUARDED].sort());
});

describe('on the session', () => {
  test.each(GUARDED)('%s needs %s', async (name, capability) => {
    const all = CAPABILITY_NAMES.filter((other) => other !== capability);
    const session = await loginAs(client, { can: all });
    await expectRefused(session.call(name as CommandName, new Uint8Array(0)), 'insufficient-permissions');
    await session.call('close-session');
    const able = await loginAs(client, { can: [capability] });
    // Allowed: so it is the empty payload that is wrong now, or nothing is.
    const outcome = await able.call(name as CommandName, new Uint8Array(0)).then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect(outcome).not.toContain('permissions');
    if (name !== 'reset-device') await able.call('close-session');
    else client = await DeviceClient.open(client.device);
  });

  const DELETABLE: readonly [ObjectTypeName, CapabilityName, CommandName, Wanted, number][] = [
    ['opaque', 'delete-opaque', 'put-opaque', { algorithm: 'opaque-data' }, 4],
    [
      'authentication-key',
      'delete-authentication-key',
      'put-authentication-key',
      { algorithm: 'aes128-yubico-authentication', delegates: [] },
      32,
    ],
    ['asymmetric-key', 'delete-asymmetric-key', 'generate-asymmetric-key', { algorithm: 'ecp256' }, 0],
    ['symmetric-key', 'delete-symmetric-key', 'generate-symmetric-key', { algorithm: 'aes128' }, 0],
    ['hmac-key', 'delete-hmac-key', 'generate-hmac-key', { algorithm: 'hmac-sha1' }, 0],
    ['wrap-key', 'delete-wrap-key', 'generate-wrap-key', { algorithm: 'aes128-ccm-wrap', delegates: [] }, 0],
    ['public-wrap-key', 'delete-public-wrap-key', 'put-public-wrap-key', { algorithm: 'rsa2048', delegates: [] }, 256],
  ];
  test.each(DELETABLE)(
    'deleting a %s needs %s and nothing of the object',
    async (type, capability, create, wanted, bytes) => {
      const id = await client.create(create, wanted, new Uint8Array(bytes).fill(0x81));
      const unable = await loginAs(client, { can: CAPABILITY_NAMES.filter((other) => other !== capability) });
      await expectRefused(unable.remove(type, id), 'insufficient-permissions');
      const able = await loginAs(client, { can: [capability] });
      await able.remove(type, id);
      await expectRefused(client.info(type, id), 'object-not-found');
      await Promise.all([unable.call('close-session'), able.call('close-session')]);
    },
  );
});

describe('on the object', () => {
  const USES: readonly [CommandName, CapabilityName, CommandName, Wanted, Uint8Array][] = [
    ['sign-pkcs1', 'sign-pkcs', 'generate-asymmetric-key', { algorithm: 'rsa2048' }, randomBytes(32)],
    [
      'sign-pss',
      'sign-pss',
      'generate-asymmetric-key',
      { algorithm: 'rsa2048' },
      Buffer.concat([Uint8Array.of(33, 0, 32), randomBytes(32)]),
    ],
    ['decrypt-oaep', 'decrypt-oaep', 'generate-asymmetric-key', { algorithm: 'rsa2048' }, randomBytes(289)],
    ['decrypt-pkcs1', 'decrypt-pkcs', 'generate-asymmetric-key', { algorithm: 'rsa2048' }, randomBytes(256)],
    ['sign-ecdsa', 'sign-ecdsa', 'generate-asymmetric-key', { algorithm: 'ecp256' }, randomBytes(32)],
    ['derive-ecdh', 'derive-ecdh', 'generate-asymmetric-key', { algorithm: 'ecp256' }, randomBytes(65)],
    ['sign-eddsa', 'sign-eddsa', 'generate-asymmetric-key', { algorithm: 'ed25519' }, randomBytes(8)],
    ['sign-hmac', 'sign-hmac', 'generate-hmac-key', { algorithm: 'hmac-sha256' }, randomBytes(8)],
    ['verify-hmac', 'verify-hmac', 'generate-hmac-key', { algorithm: 'hmac-sha256' }, randomBytes(40)],
    ['encrypt-ecb', 'encrypt-ecb', 'generate-symmetric-key', { algorithm: 'aes128' }, randomBytes(16)],
    ['decrypt-ecb', 'decrypt-ecb', 'generate-symmetric-key', { algorithm: 'aes128' }, randomBytes(16)],
    ['encrypt-cbc', 'encrypt-cbc', 'generate-symmetric-key', { algorithm: 'aes128' }, randomBytes(32)],
    ['decrypt-cbc', 'decrypt-cbc', 'generate-symmetric-key', { algorithm: 'aes128' }, randomBytes(32)],
    [
      'import-wrapped',
      'import-wrapped',
      'generate-wrap-key',
      { algorithm: 'aes128-ccm-wrap', delegates: [] },
      randomBytes(99),
    ],
  ];
  test.each(USES)('%s needs %s', async (use, capability, create, wanted, rest) => {
    const without = CAPABILITY_NAMES.filter((other) => other !== capability);
    const unable = await client.create(create, { ...wanted, can: without });
    await expectRefused(client.call(use, withId(unable, rest)), 'insufficient-permissions');
    const able = await client.create(create, { ...wanted, can: [capability] });
    const outcome = await client.call(use, withId(able, rest)).then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect(outcome).not.toContain('permissions');
  });
});

describe('what a session may give', () => {
  const subset = fc.subarray([...CAPABILITY_NAMES]);

  test('to a new object: what is delegated to the session, and no more', async () => {
    await fc.assert(
      fc.asyncProperty(subset, subset, async (delegated, wanted) => {
        const session = await loginAs(client, { can: ['put-opaque'], delegates: delegated, label: 'giver' });
        const isAllowed = wanted.every((name) => delegated.includes(name));
        const payload = headed({ algorithm: 'opaque-data', can: wanted }, Buffer.from('data'));
        if (isAllowed) {
          const id = Buffer.from(await session.call('put-opaque', payload)).readUInt16BE();
          expect((await client.info('opaque', id)).capabilities).toBe(capabilityMask(wanted));
          await client.remove('opaque', id);
        } else await expectRefused(session.call('put-opaque', payload), 'insufficient-permissions');
        await session.call('close-session');
        await removeGivers();
      }),
      { numRuns: 25 },
    );
  });

  async function removeGivers(): Promise<void> {
    const found = await client.call('list-objects', new ByteWriter().u8(6).label(Buffer.from('giver')).toBytes());
    for (let at = 0; at < found.length; at += 4)
      await client.remove('authentication-key', Buffer.from(found).readUInt16BE(at));
  }

  test('to delegate: what is delegated to itself, and no more', async () => {
    const can: readonly CapabilityName[] = ['put-authentication-key', 'generate-wrap-key'];
    const session = await loginAs(client, { can, delegates: ['sign-ecdsa'] });
    const wrap = (delegates: readonly CapabilityName[]): Promise<number> =>
      session.create('generate-wrap-key', { algorithm: 'aes128-ccm-wrap', delegates });
    await wrap(['sign-ecdsa']);
    await expectRefused(wrap(['sign-ecdsa', 'sign-pss']), 'insufficient-permissions');
    await expectRefused(loginAs(session, { can: ['sign-pss'] }), 'insufficient-permissions');
    await expectRefused(loginAs(session, { delegates: ['sign-pss'] }), 'insufficient-permissions');
  });

  test('capabilities without a name, by whom they are delegated to, as the others', async () => {
    const payload = headed({ algorithm: 'opaque-data' }, Buffer.from('data'));
    payload[44] = 1;
    const session = await loginAs(client, { can: ['put-opaque'], delegates: CAPABILITY_NAMES });
    await expectRefused(session.call('put-opaque', payload), 'insufficient-permissions');
    await client.call('put-opaque', payload);
  });
});

describe('changing an authentication key', () => {
  test('works for the own one, refused as an invalid id for others', async () => {
    const session = await loginAs(client, { id: 60, can: ['change-authentication-key'] }, 'first');
    const payload = (id: number, key: Uint8Array): Uint8Array => withId(id, Uint8Array.of(38), key);
    await expectRefused(client.call('change-authentication-key', payload(60, randomBytes(32))), 'invalid-id');
    await expectRefused(session.call('change-authentication-key', payload(60, randomBytes(31))), 'wrong-length');
    const factory = Buffer.from('090b47dbed595654901dee1cc655e420592fd483f759e29909a04c4505d2ce0a', 'hex');
    expect(await session.call('change-authentication-key', payload(60, factory))).toEqual(Uint8Array.of(0, 60));
    const again = await DeviceClient.open(client.device, { id: 60, password: 'password' });
    const info = await again.call('get-object-info', withId(60, Uint8Array.of(OBJECT_TYPE['authentication-key'])));
    expect(decodeObjectInfo(info)).toMatchObject({ sequence: 1 });
    await expect(DeviceClient.open(client.device, { id: 60, password: 'first' })).rejects.toThrow(
      'authentication-failed',
    );
  });
});

test('every command of the wire is simulated, or is known to be left out', () => {
  const outside = [
    'create-session',
    'authenticate-session',
    'session-message',
    'get-device-info',
    'get-device-public-key',
    'error',
  ];
  const leftOut = Object.entries(COMMAND).filter(([name, code]) => !COMMANDS.has(code) && !outside.includes(name));
  expect(leftOut.map(([name]) => name)).toEqual(['sign-ssh-certificate']);
});
