/** Sessions: opening, proving, expiring, ending; what is answered outside them and what inside. */
import { createECDH, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { deriveAsymmetricSession } from '../../../../../src/adapters/yubihsm/session/key-derivation.ts';
import { SecureChannel } from '../../../../../src/adapters/yubihsm/session/secure-channel.ts';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { decodeDeviceInfo } from '../../../../../src/adapters/yubihsm/wire/device-info.ts';
import { encodeFrame } from '../../../../../src/adapters/yubihsm/wire/frame.ts';
import { callOutside, DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectOuter, expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let device: SimulatedYubiHsm;
let nowMs: number;

beforeEach(async () => {
  nowMs = 0;
  device = await openSimulatedYubiHsm({ stateDir: null, serial: 12_345_678, clock: () => nowMs });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const send = async (message: string): Promise<string> => hex(await device.exchange(Buffer.from(message, 'hex')));
const isAlive = async (client: DeviceClient): Promise<void> =>
  expect(hex(await client.call('echo', Buffer.from('cafe', 'hex')))).toBe('cafe');

describe('without a session', () => {
  test('echo', async () => expect(await send('010003abcdef')).toBe('810003abcdef'));
  test('device info, and its page 1', async () => {
    const info = decodeDeviceInfo(await callOutside(device, 'get-device-info'));
    expect(info).toMatchObject({
      firmware: { major: 2, minor: 4, patch: 1 },
      serial: 12_345_678,
      logTotal: 62,
      logUsed: 2,
    });
    expect(info.algorithms).toEqual(Array.from({ length: 55 }, (_, index) => index + 1));
    // yh_get_partnumber wants 12 characters and has 13 bytes for them.
    expect(Buffer.from(await callOutside(device, 'get-device-info', Uint8Array.of(1)))).toEqual(
      Buffer.from('KEYFERRY-SIM\0'),
    );
    await expectOuter(callOutside(device, 'get-device-info', Uint8Array.of(2)), 'invalid-data');
  });
  test('device public key: algorithm and a point', async () => {
    const key = await callOutside(device, 'get-device-public-key');
    expect(key[0]).toBe(ALGORITHM['ecp256-yubico-authentication']);
    expect(key).toHaveLength(65);
    await expectOuter(callOutside(device, 'get-device-public-key', Uint8Array.of(0)), 'wrong-length');
  });
  test.each([0x00, 0x08, 0x40, 0x42, 0x51, 0x58, 0x7f, 0x83, 0xff])('command %i does not exist', async (code) => {
    expect(hex(await device.exchange(encodeFrame(code, new Uint8Array(0))))).toBe('7f000101');
  });
  test.each(['', '01', '0100', '010001', '01000100ff'])(
    'a frame %j that is not whole is of wrong length',
    async (message) => {
      expect(await send(message)).toBe('7f000108');
    },
  );
  test('a message above the limit is of wrong length', async () => {
    expect(hex(await device.exchange(encodeFrame(1, new Uint8Array(3134))))).toBe('7f000108');
    expect(await device.exchange(encodeFrame(1, new Uint8Array(3133)))).toHaveLength(3136);
  });
});

describe('a symmetric login', () => {
  test('proves the device, then the host; its last answer is 84 0000', async () => {
    const { channel, hostCryptogram, cardCryptogram, expectedCard } = await DeviceClient.begin(device);
    expect(hex(cardCryptogram)).toBe(hex(expectedCard));
    expect(hex(await device.exchange(channel.authenticateCommand(hostCryptogram)))).toBe('840000');
    await isAlive(new DeviceClient(device, channel));
  });
  test('with a wrong password frees its slot', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const { channel, hostCryptogram, cardCryptogram, expectedCard } = await DeviceClient.begin(device, {
        password: 'wrong',
      });
      expect(hex(cardCryptogram)).not.toBe(hex(expectedCard));
      expect(channel.sessionId).toBe(0);
      expect(hex(await device.exchange(channel.authenticateCommand(hostCryptogram)))).toBe('7f000104');
    }
  });
  test('with a wrong cryptogram under a right MAC is refused', async () => {
    const { channel } = await DeviceClient.begin(device);
    expect(hex(await device.exchange(channel.authenticateCommand(randomBytes(8))))).toBe('7f000104');
  });
  test('of a key that is not there', async () =>
    await expectOuter(DeviceClient.open(device, { id: 2 }), 'object-not-found'));
  test('cannot be finished twice, nor be used unfinished', async () => {
    const { channel, hostCryptogram } = await DeviceClient.begin(device);
    await expectOuter(new DeviceClient(device, channel).call('echo'), 'invalid-session');
    const message = (await DeviceClient.open(device)).channel.authenticateCommand(hostCryptogram);
    expect(hex(await device.exchange(message))).toBe('7f000103');
  });
  test.each(['030000', '03000100', '0300090001aaaaaaaaaaaaaa', '03000b0001aaaaaaaaaaaaaaaaaa', '040000'])(
    '%s is refused',
    async (message) => {
      expect(await send(message)).toBe(message.startsWith('04') ? '7f000103' : '7f000108');
    },
  );
  test('with a challenge that is given for tests', async () => {
    const fixed = await openSimulatedYubiHsm({
      stateDir: null,
      challenge: () => Buffer.from('0011223344556677', 'hex'),
    });
    const reply = await fixed.exchange(Buffer.from('03000a00018877665544332211', 'hex'));
    expect(hex(reply).slice(0, 24)).toBe('830011000011223344556677');
  });
});

describe('an asymmetric login', () => {
  async function login(staticKey = createECDH('prime256v1')): Promise<DeviceClient> {
    const client = await DeviceClient.open(device);
    const point = staticKey.generateKeys();
    const algorithm = 'ecp256-yubico-authentication';
    const id = await client.create('put-authentication-key', { id: 5, algorithm, delegates: [] }, point.subarray(1));
    const ephemeral = createECDH('prime256v1');
    const host = ephemeral.generateKeys();
    const reply = await callOutside(device, 'create-session', withId(id, host));
    const card = reply.slice(1, 66);
    const devicePoint = Buffer.from(await callOutside(device, 'get-device-public-key'));
    devicePoint[0] = 4;
    const secrets = { ephemeral: ephemeral.computeSecret(card), static: staticKey.computeSecret(devicePoint) };
    const { keys, receipt } = deriveAsymmetricSession(secrets, { host, card });
    expect(hex(reply.slice(66))).toBe(hex(receipt));
    return new DeviceClient(device, new SecureChannel({ sessionId: reply[0] ?? 0, keys, chain: receipt }));
  }
  test('works at once', async () => await isAlive(await login()));
  test('takes its kind of key, and the other login the other', async () => {
    await login();
    await expectOuter(DeviceClient.open(device, { id: 5 }), 'invalid-data');
    const point = createECDH('prime256v1').generateKeys();
    await expectOuter(callOutside(device, 'create-session', withId(1, point)), 'invalid-data');
  });
  test('with a point off the curve is refused', async () => {
    await login();
    await expectOuter(
      callOutside(device, 'create-session', withId(5, Uint8Array.of(4), randomBytes(64))),
      'invalid-data',
    );
  });
});

describe('an open session', () => {
  test('16 fit, the next finds them full, and a closed one makes room', async () => {
    const clients = [];
    for (let count = 0; count < 16; count += 1) clients.push(await DeviceClient.open(device));
    expect(clients.map(({ channel }) => channel.sessionId)).toEqual(Array.from({ length: 16 }, (_, index) => index));
    await expectOuter(DeviceClient.open(device), 'sessions-full');
    await clients[3]?.call('close-session');
    expect((await DeviceClient.open(device)).channel.sessionId).toBe(3);
  });
  test('is gone after 30 idle seconds, a half-open one too', async () => {
    const client = await DeviceClient.open(device);
    await DeviceClient.begin(device);
    nowMs = 29_999;
    await isAlive(client);
    nowMs = 59_998;
    await isAlive(client);
    expect((await DeviceClient.open(device)).channel.sessionId).toBe(1);
    nowMs += 30_000;
    await expectOuter(client.call('echo'), 'invalid-session');
  });
  test('refuses inside and goes on', async () => {
    const client = await DeviceClient.open(device);
    await expectRefused(client.callCode(0x3f), 'invalid-command');
    await expectRefused(client.call('get-opaque', withId(77)), 'object-not-found');
    await isAlive(client);
  });
  test('ends with a wrong MAC, and with a message that was there before', async () => {
    const client = await DeviceClient.open(device);
    const message = client.channel.wrapCommand(encodeFrame(COMMAND.echo, Uint8Array.of(1)));
    client.channel.unwrapResponse(await device.exchange(message));
    expect(hex(await device.exchange(message))).toBe('7f000104');
    expect(hex(await device.exchange(message))).toBe('7f000103');
  });
  test('answers an inner frame that is not whole', async () => {
    const client = await DeviceClient.open(device);
    await expectRefused(client.callFrame(Buffer.from('0100ff00', 'hex'), COMMAND.echo), 'wrong-length');
    await expectRefused(client.callFrame(new Uint8Array(0), COMMAND.echo), 'wrong-length');
    await isAlive(client);
  });
  test('is closed by an encrypted answer, and unknown afterwards', async () => {
    const client = await DeviceClient.open(device);
    expect(await client.call('close-session')).toHaveLength(0);
    await expectOuter(client.call('echo'), 'invalid-session');
  });
  test('cannot open others', async () => {
    const client = await DeviceClient.open(device);
    for (const name of ['create-session', 'authenticate-session', 'session-message'] as const)
      await expectRefused(client.call(name), 'invalid-command');
  });
  test('refuses more random bytes than a message holds', async () => {
    const client = await DeviceClient.open(device);
    expect(await client.call('get-pseudo-random', Uint8Array.of(4, 0))).toHaveLength(1024);
    await expectRefused(client.call('get-pseudo-random', Uint8Array.of(255, 255)), 'invalid-data');
  });
});

test('a reset ends all sessions and leaves the factory key alone', async () => {
  const [one, other] = [await DeviceClient.open(device), await DeviceClient.open(device)];
  await one.create('put-opaque', { algorithm: 'opaque-data' }, Buffer.from('data'));
  await one.remove('authentication-key', 1);
  expect(await one.call('reset-device')).toHaveLength(0);
  await expectOuter(other.call('echo'), 'invalid-session');
  const again = await DeviceClient.open(device);
  expect(hex(await again.call('list-objects'))).toBe('00010200');
});

test('a session outlives its authentication key', async () => {
  const client = await DeviceClient.open(device);
  await client.remove('authentication-key', 1);
  await isAlive(client);
  await expectOuter(DeviceClient.open(device), 'object-not-found');
});
