import { createECDH, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { echo } from '../../../../../src/adapters/yubihsm/commands/echo.ts';
import { privateKeyLogin, wipeLogin } from '../../../../../src/adapters/yubihsm/session/login.ts';
import { openSession } from '../../../../../src/adapters/yubihsm/session/open-session.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { factoryLogin, openWireSession, WireConnector } from '../../../../support/yubihsm-wire-connector.ts';
import { errorFrame, frameOf, WireDevice, type WireDeviceOptions } from '../../../../support/yubihsm-wire-device.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

const echoing: WireDeviceOptions['answer'] = ({ type, payload }) => frameOf(type | 0x80, payload);
const wired = (options: Partial<WireDeviceOptions> = {}): WireConnector =>
  new WireConnector(new WireDevice({ answer: echoing, ...options }));

async function failureOf(promise: Promise<unknown>): Promise<KeyferryError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (error instanceof KeyferryError) return error;
  throw error;
}

describe('opening a session with a password', () => {
  test('sends and takes what Yubico recorded, byte for byte', async () => {
    const connector = wired({ challenge: fromHex(VECTORS.login.created).subarray(4, 12) });
    const session = await openSession({
      peer: { connector, device: 'token' },
      login: await factoryLogin(),
      messageLimit: 2048,
      random: (bytes) => new Uint8Array(bytes),
    });
    expect(connector.device.messages.map(toHex)).toEqual([VECTORS.login.create, VECTORS.login.authenticate]);
    await session.call(echo, Uint8Array.of(1, 2, 3));
    expect(connector.device.commands.map(toHex)).toEqual(['010003010203']);
    expect(connector.tags).toEqual(Array.from({ length: 3 }, () => VECTORS.login.hostChallenge));
  });

  test('refuses a wrong password, and frees the place on the device first', async () => {
    const connector = wired();
    const error = await failureOf(openWireSession(connector, { login: await factoryLogin('passwort') }));
    expect(error).toMatchObject({ code: 'login-refused', outcome: 'not-applied', device: 'token' });
    expect(error.message).toContain('0x0001');
    expect(error.message).not.toContain('passwort');
    expect(connector.device.messages.map((message) => message[0])).toEqual([0x03, 0x04]);
    expect(connector.device.isHalfOpen).toBe(false);
  });

  test('refuses a device that cannot prove itself even when it says that all is well', async () => {
    const connector = wired({ kMac: Buffer.alloc(16, 7) });
    connector.onReply = (reply, message) => (message[0] === 0x04 ? frameOf(0x84) : reply);
    await expect(openWireSession(connector)).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('tells the wrong password also when the connector is gone by then', async () => {
    const connector = wired();
    connector.onReply = (reply, message) => (message[0] === 0x04 ? null : reply);
    const login = await factoryLogin('wrong');
    await expect(openWireSession(connector, { login })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('says when there is no such authentication key', async () => {
    const error = await failureOf(openWireSession(wired({ keyId: 2 })));
    expect(error).toMatchObject({ code: 'login-refused', native: { name: 'object-not-found', value: 0x0b } });
  });

  test.each([
    [0x05, 'device-busy', 'sessions-full'],
    [0x06, 'device-busy', 'session-failed'],
    [0x08, 'device-refused', 'wrong-length'],
    [0x77, 'device-refused', '0x77'],
  ])('says what error %i in clear may mean', async (byte, code, name) => {
    const connector = wired();
    connector.onReply = () => errorFrame(byte);
    const error = await failureOf(openWireSession(connector));
    expect(error).toMatchObject({ code, native: { name, value: byte }, outcome: 'not-applied' });
    expect(error.hint).not.toBe('');
  });

  test('takes an error after a right cryptogram for trouble, not for a wrong password', async () => {
    const connector = wired();
    connector.onReply = (reply, message) => (message[0] === 0x04 ? errorFrame(0x04) : reply);
    await expect(openWireSession(connector)).rejects.toMatchObject({ code: 'device-busy' });
  });

  test.each<[string, (reply: Buffer) => Buffer]>([
    ['of another command', (reply) => frameOf(0x84, reply.subarray(3))],
    ['cut short', (reply) => reply.subarray(0, -1)],
    ['with a shorter body', (reply) => frameOf(0x83, reply.subarray(3, -1))],
    ['with a longer body', (reply) => frameOf(0x83, Buffer.concat([reply.subarray(3), Buffer.alloc(1)]))],
    ['of nothing', () => Buffer.alloc(0)],
    ['that is an error of two bytes', () => frameOf(0x7f, Buffer.alloc(2))],
  ])('refuses a first reply %s', async (_, alter) => {
    const connector = wired();
    connector.onReply = (reply) => alter(reply);
    await expect(openWireSession(connector)).rejects.toMatchObject({ code: 'reply-malformed', outcome: 'not-applied' });
  });

  test.each<[string, Buffer]>([
    ['that is not empty', frameOf(0x84, Buffer.alloc(1))],
    ['of another command', frameOf(0x85)],
  ])('refuses a second reply %s', async (_, second) => {
    const connector = wired();
    connector.onReply = (reply, message) => (message[0] === 0x04 ? second : reply);
    await expect(openWireSession(connector)).rejects.toMatchObject({ code: 'reply-malformed' });
  });

  test('says that the connector is gone', async () => {
    const connector = wired();
    connector.isReachable = false;
    await expect(openWireSession(connector)).rejects.toMatchObject({ code: 'device-unreachable' });
  });
});

describe('opening a session with a private key', () => {
  const registered = (): { login: (point: Uint8Array | null) => ReturnType<typeof privateKeyLogin>; point: Buffer } => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url'));
    return { login: (point) => privateKeyLogin(1, privateKey, point), point: ecdh.getPublicKey().subarray(1) };
  };

  test("works with the device's key pinned, and asks the connector for nothing", async () => {
    const { login, point } = registered();
    const connector = wired({ hostPoint: point });
    const session = await openWireSession(connector, { login: login(connector.device.point) });
    await session.call(echo, Uint8Array.of(9));
    expect(connector.device.messages.map((message) => message[0])).toEqual([0x03, 0x05]);
  });

  test("works with the device's key as the connector tells it", async () => {
    const { login, point } = registered();
    const connector = wired({ hostPoint: point });
    const session = await openWireSession(connector, { login: login(null) });
    await session.call(echo, Uint8Array.of(9));
    expect(connector.device.messages[0]?.[0]).toBe(0x0a);
  });

  test('refuses a private key that is not registered', async () => {
    const connector = wired({ hostPoint: registered().point });
    await expect(openWireSession(connector, { login: registered().login(null) })).rejects.toMatchObject({
      code: 'login-refused',
    });
  });

  test('refuses another device than the pinned one', async () => {
    const { login, point } = registered();
    const connector = wired({ hostPoint: point });
    const pinned = new WireDevice({ answer: echoing }).point;
    await expect(openWireSession(connector, { login: login(pinned) })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('refuses points that are not on the curve', async () => {
    const { login, point } = registered();
    const connector = wired({ hostPoint: point });
    await expect(openWireSession(connector, { login: login(Buffer.alloc(64, 1)) })).rejects.toMatchObject({
      code: 'reply-malformed',
    });
    connector.onReply = (reply, message) =>
      message[0] === 0x03 ? Buffer.concat([reply.subarray(0, 5), Buffer.alloc(64, 1), reply.subarray(-16)]) : reply;
    await expect(openWireSession(connector, { login: login(connector.device.point) })).rejects.toMatchObject({
      code: 'reply-malformed',
    });
  });

  test('says that older firmware cannot do it', async () => {
    const { login, point } = registered();
    const connector = wired({ hostPoint: point });
    connector.onReply = () => errorFrame(0x01);
    await expect(openWireSession(connector, { login: login(null) })).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });

  test('takes private keys on P-256 only', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const right = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(() => privateKeyLogin(1, other.privateKey, null)).toThrow(TypeError);
    expect(() => privateKeyLogin(1, right.publicKey, null)).toThrow(TypeError);
  });
});

test('a login is gone when wiped', async () => {
  const login = await factoryLogin();
  wipeLogin(login);
  expect(login.kind === 'symmetric' && [...login.keys.enc, ...login.keys.mac].every((byte) => byte === 0)).toBe(true);
});
