import { describe, expect, test } from 'vitest';
import { deleteObject } from '../../../../../src/adapters/yubihsm/commands/delete-object.ts';
import { echo } from '../../../../../src/adapters/yubihsm/commands/echo.ts';
import { generateAsymmetricKey } from '../../../../../src/adapters/yubihsm/commands/generate-asymmetric-key.ts';
import { getDeviceInfo } from '../../../../../src/adapters/yubihsm/commands/get-device-info.ts';
import { getPseudoRandom } from '../../../../../src/adapters/yubihsm/commands/get-pseudo-random.ts';
import { putOpaque } from '../../../../../src/adapters/yubihsm/commands/put-opaque.ts';
import { LastingSession } from '../../../../../src/adapters/yubihsm/session/lasting-session.ts';
import { callPlain } from '../../../../../src/adapters/yubihsm/session/plain-exchange.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { DEVICE_ERROR } from '../../../../../src/adapters/yubihsm/wire/device-errors.ts';
import { commandLimit } from '../../../../../src/adapters/yubihsm/wire/frame.ts';
import { labelOf } from '../../../../../src/adapters/yubihsm/wire/label.ts';
import { type OnReply, openWireSession, WireConnector } from '../../../../support/yubihsm-wire-connector.ts';
import { errorFrame, frameOf, WireDevice, type WireDeviceOptions } from '../../../../support/yubihsm-wire-device.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

const object = { id: 0x150, type: 3 };
const header = { id: 0x150, label: labelOf('k'), domains: 1, capabilities: 0n, algorithm: ALGORITHM['opaque-data'] };

const answer: WireDeviceOptions['answer'] = ({ type, payload }) => {
  if (type === 0x42) return frameOf(0xc2, payload.subarray(0, 2));
  if (type === 0x58) return payload.readUInt16BE(0) === 0x150 ? frameOf(0xd8) : errorFrame(0x0b);
  if (type === 0x51) return frameOf(0xd1, Buffer.alloc(payload.readUInt16BE(0), 5));
  return frameOf(type | 0x80, payload);
};
const wired = (): WireConnector => new WireConnector(new WireDevice({ answer }));

describe('session', () => {
  test('does commands one after the other, in the order they came', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    const replies = await Promise.all([1, 2, 3, 4].map((count) => session.call(getPseudoRandom, { count })));
    expect(replies.map((reply) => reply.length)).toEqual([1, 2, 3, 4]);
    expect(connector.device.commands.map((command) => command[4])).toEqual([1, 2, 3, 4]);
  });

  test('goes on after a refusal inside it, which says what the device said', async () => {
    const session = await openWireSession(wired());
    await expect(session.call(deleteObject, { id: 0x151, type: 3 })).rejects.toMatchObject({
      code: 'key-not-found',
      outcome: 'not-applied',
      device: 'token',
      operation: 'delete-object',
      native: { name: 'object-not-found', value: 0x0b },
    });
    expect(session.isOpen).toBe(true);
    await session.call(deleteObject, object);
  });

  test('refuses what cannot be written or does not fit, sends nothing and goes on', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    const sent = connector.device.messages.length;
    const longest = commandLimit(2048) - 53;
    await expect(session.call(putOpaque, { ...header, data: new Uint8Array(longest + 1) })).rejects.toMatchObject({
      code: 'argument-invalid',
      outcome: 'not-applied',
    });
    await expect(
      session.call(putOpaque, { ...header, label: new Uint8Array(41), data: new Uint8Array(1) }),
    ).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(connector.device.messages.length).toBe(sent);
    await session.call(putOpaque, { ...header, data: new Uint8Array(longest) });
    expect(connector.device.messages.at(-1)?.length).toBeLessThanOrEqual(2048);
  });

  const untrusted: [string, OnReply][] = [
    ['an error in clear', () => errorFrame(0x0b)],
    ['an unreadable error in clear', () => frameOf(0x7f)],
    ['a wrong MAC', (reply) => Buffer.concat([reply.subarray(0, -1), Buffer.from([(reply.at(-1) ?? 0) ^ 1])])],
    ['a reply cut short', (reply) => reply.subarray(0, 20)],
    ['a reply that is too long', (reply) => Buffer.concat([reply, Buffer.alloc(1)])],
    ['a plain reply', () => frameOf(0xd8)],
    ['nothing', () => Buffer.alloc(0)],
    ['no reply', () => null],
  ];

  test.each(untrusted)('is over after %s; what was to be deleted may be gone', async (_, onReply) => {
    const connector = wired();
    const session = await openWireSession(connector);
    connector.onReply = onReply;
    await expect(session.call(deleteObject, object)).rejects.toMatchObject({ outcome: 'unknown', device: 'token' });
    expect(session.isOpen).toBe(false);
    const sent = connector.device.messages.length;
    await expect(session.call(deleteObject, object)).rejects.toMatchObject({ outcome: 'not-applied' });
    expect(connector.device.messages.length).toBe(sent);
  });

  test.each(untrusted)('is over after %s; what was to be read changed nothing', async (_, onReply) => {
    const connector = wired();
    const session = await openWireSession(connector);
    connector.onReply = onReply;
    await expect(session.call(getPseudoRandom, { count: 3 })).rejects.toMatchObject({ outcome: 'not-applied' });
    expect(session.isOpen).toBe(false);
  });

  test('believes an error in clear nothing: it is not "object not found"', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    connector.onReply = () => errorFrame(DEVICE_ERROR['object-not-found']);
    await expect(session.call(deleteObject, object)).rejects.toMatchObject({
      code: 'outcome-unknown',
      native: undefined,
    });
  });

  test('is over when an authenticated reply is of another command or not what the command gives', async () => {
    for (const reply of [frameOf(0xd1), frameOf(0xd8, Buffer.alloc(1)), Buffer.alloc(2)]) {
      const session = await openWireSession(new WireConnector(new WireDevice({ answer: () => reply })));
      await expect(session.call(deleteObject, object)).rejects.toMatchObject({
        code: 'reply-malformed',
        outcome: 'unknown',
        scope: 'item',
      });
      expect(session.isOpen).toBe(false);
    }
  });

  test('knows that nothing changed when the connector could not be reached', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    connector.isReachable = false;
    await expect(session.call(deleteObject, object)).rejects.toMatchObject({
      code: 'device-unreachable',
      outcome: 'not-applied',
    });
  });

  test('gives the generation of a key minutes', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    await session.call(generateAsymmetricKey, { ...header, algorithm: ALGORITHM.rsa4096 }).catch(() => undefined);
    expect(connector.timeouts.at(-1)).toBeGreaterThanOrEqual(120_000);
    expect(connector.timeouts.at(-2)).toBeUndefined();
  });

  test('closes on the device too, once, and does nothing afterwards', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    await session.close();
    await session.close();
    expect(connector.device.commands.map((command) => command[0])).toEqual([0x40]);
    await expect(session.call(echo, Uint8Array.of(1))).rejects.toMatchObject({ code: 'device-busy' });
  });

  test('closes quietly when the device does not answer any more', async () => {
    const connector = wired();
    const session = await openWireSession(connector);
    connector.onReply = () => null;
    await session.close();
    expect(session.isOpen).toBe(false);
  });
});

describe('commands outside a session', () => {
  test('read the device info that Yubico recorded', async () => {
    const connector = wired();
    connector.onReply = () => fromHex(VECTORS.deviceInfo.reply);
    const info = await callPlain({ connector, device: 'token' }, getDeviceInfo, undefined);
    expect(info).toMatchObject({
      firmware: { major: 2, minor: 0, patch: 0 },
      serial: 7_550_140,
      logTotal: 62,
      logUsed: 4,
    });
    expect(info.algorithms).toEqual(Array.from({ length: 47 }, (_, index) => index + 1));
    expect(connector.device.messages.map(toHex)).toEqual(['060000']);
  });

  test.each<[string, Buffer, string]>([
    ['an error', errorFrame(0x02), 'device-refused'],
    ['an error for what is unknown', errorFrame(0x01), 'capability-missing'],
    ['another command', frameOf(0x81), 'reply-malformed'],
    ['too little', frameOf(0x86, Buffer.alloc(8)), 'reply-malformed'],
    ['no frame', Buffer.from([0x86]), 'reply-malformed'],
  ])('say what is wrong with %s', async (_, reply, code) => {
    const connector = wired();
    connector.onReply = () => reply;
    const call = callPlain({ connector, device: 'token' }, getDeviceInfo, undefined);
    await expect(call).rejects.toMatchObject({ code, outcome: 'not-applied', device: 'token' });
  });
});

describe('a lasting session', () => {
  const lasting = (connector: WireConnector, clock = { ms: 0 }): LastingSession =>
    new LastingSession({ open: () => openWireSession(connector, { now: () => clock.ms }), now: () => clock.ms });
  const logins = (connector: WireConnector): number =>
    connector.device.messages.filter((message) => message[0] === 0x03).length;

  test('logs in with the first command, once', async () => {
    const connector = wired();
    const session = lasting(connector);
    expect(logins(connector)).toBe(0);
    await Promise.all([session.call(echo, Uint8Array.of(1)), session.call(echo, Uint8Array.of(2))]);
    expect(logins(connector)).toBe(1);
  });

  test('logs in anew after a long idle, before the device has ended the session', async () => {
    const connector = wired();
    const clock = { ms: 0 };
    const session = lasting(connector, clock);
    await session.open();
    clock.ms = 24_000;
    await session.call(echo, Uint8Array.of(1));
    clock.ms = 48_000;
    await session.call(echo, Uint8Array.of(1));
    expect(logins(connector)).toBe(1);
    clock.ms = 80_000;
    connector.device.expire();
    await session.call(deleteObject, object);
    expect(logins(connector)).toBe(2);
  });

  test('logs in anew when the clock was set back', async () => {
    const connector = wired();
    const clock = { ms: 1_000_000 };
    const session = lasting(connector, clock);
    await session.open();
    clock.ms = 0;
    await session.call(echo, Uint8Array.of(1));
    expect(logins(connector)).toBe(2);
  });

  test('never sends a changing command again whose session was lost, and serves the next one', async () => {
    const connector = wired();
    const session = lasting(connector);
    await session.open();
    connector.device.expire();
    await expect(session.call(deleteObject, object)).rejects.toMatchObject({ outcome: 'unknown' });
    await session.call(deleteObject, object);
    expect(connector.device.commands.map((command) => command[0])).toEqual([0x58]);
    expect(logins(connector)).toBe(2);
  });

  test('tells each waiting command when no session can be had, and is not stuck', async () => {
    const connector = wired();
    connector.isReachable = false;
    const session = lasting(connector);
    const calls = await Promise.allSettled([
      session.call(echo, Uint8Array.of(1)),
      session.call(echo, Uint8Array.of(2)),
    ]);
    expect(calls.map((call) => call.status)).toEqual(['rejected', 'rejected']);
    connector.isReachable = true;
    await session.call(echo, Uint8Array.of(3));
  });

  test('closes what is open, and is then over', async () => {
    const connector = wired();
    const session = lasting(connector);
    await session.open();
    await session.close();
    expect(connector.device.commands.map((command) => command[0])).toEqual([0x40]);
    await expect(session.call(echo, Uint8Array.of(1))).rejects.toThrow('after the session was closed');
  });
});
