/** Whatever comes in is answered with a frame, and the device works on: noise, cut and altered messages, noise inside sessions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../../../../src/adapters/yubihsm/simulator/commands/commands.ts';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { decodeFrame, encodeFrame } from '../../../../../src/adapters/yubihsm/wire/frame.ts';
import { DeviceClient, headed, withId } from '../../../../support/yubihsm-device-client.ts';

const isReply = (reply: Uint8Array, type: number): boolean => {
  const frame = decodeFrame(reply);
  return frame.type === (type | 0x80) || (frame.type === COMMAND.error && frame.payload.length === 1);
};

test('noise as messages', async () => {
  const device = await openSimulatedYubiHsm({ stateDir: null });
  const code = fc.oneof(fc.constantFrom(...Object.values(COMMAND)), fc.nat(255));
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.tuple(code, fc.uint8Array({ maxLength: 120 })).map(([type, payload]) => encodeFrame(type, payload)),
    fc.uint8Array({ minLength: 3000, maxLength: 3200 }),
  );
  await fc.assert(
    fc.asyncProperty(message, async (bytes) => isReply(await device.exchange(bytes), bytes[0] ?? 0)),
    { numRuns: 400 },
  );
  expect(await device.exchange(Uint8Array.of(1, 0, 0))).toEqual(Uint8Array.of(0x81, 0, 0));
});

/** Not those that end the session or the state that the test stands on. */
const CODES = [...COMMANDS.keys()].filter(
  (code) =>
    ![COMMAND['reset-device'], COMMAND['close-session'], COMMAND['delete-object'], COMMAND['set-option']].some(
      (left) => left === code,
    ),
);

test('noise as the payload of every command, after an id of a real object', async () => {
  const device = await openSimulatedYubiHsm({ stateDir: null });
  const client = await DeviceClient.open(device);
  const ids = [
    await client.create('generate-asymmetric-key', { id: 1, algorithm: 'ecp256', can: ['sign-ecdsa', 'derive-ecdh'] }),
    await client.create('generate-hmac-key', { id: 2, algorithm: 'hmac-sha256', can: ['sign-hmac', 'verify-hmac'] }),
    await client.create('generate-symmetric-key', { id: 3, algorithm: 'aes128', can: ['encrypt-cbc', 'decrypt-ecb'] }),
    await client.create('generate-wrap-key', {
      id: 4,
      algorithm: 'aes128-ccm-wrap',
      can: ['import-wrapped', 'export-wrapped', 'unwrap-data'],
      delegates: [],
    }),
  ];
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.constantFrom(0, 0xffff, ...ids), fc.uint8Array({ maxLength: 200 }))
      .map(([id, rest]) => withId(id, rest)),
    fc
      .tuple(
        fc.constantFrom('ecp384', 'aes256', 'hmac-sha1', 'ed25519', 'aes128-ccm-wrap', 'opaque-data'),
        fc.uint8Array({ maxLength: 130 }),
      )
      .map(([algorithm, rest]) => headed({ algorithm: algorithm as 'ecp384' }, rest)),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...CODES), payload, async (code, bytes) => {
      const inner = encodeFrame(code, bytes);
      const reply = await device.exchange(client.channel.wrapCommand(inner));
      return isReply(client.channel.unwrapResponse(reply), code);
    }),
    { numRuns: 600 },
  );
  await client.call('echo');
}, 15_000);

test('any bit of a session message that is flipped is an error, and does nothing', async () => {
  const device = await openSimulatedYubiHsm({ stateDir: null });
  await fc.assert(
    fc.asyncProperty(fc.nat(10_000), fc.nat(7), async (place, bit) => {
      const client = await DeviceClient.open(device);
      const payload = headed({ id: 5, algorithm: 'opaque-data' }, Buffer.from('data'));
      const message = Uint8Array.from(client.channel.wrapCommand(encodeFrame(COMMAND['put-opaque'], payload)));
      // Behind the type: with another one it is another command, and may be one that needs no session.
      const at = 1 + (place % (message.length - 1));
      message[at] = (message[at] ?? 0) ^ (1 << bit);
      const reply = decodeFrame(await device.exchange(message));
      const fresh = await DeviceClient.open(device);
      const list = await fresh.call('list-objects');
      await fresh.call('reset-device');
      return reply.type === COMMAND.error && list.length === 4;
    }),
    { numRuns: 150 },
  );
}, 15_000);

test('many messages at once are answered each in its turn', async () => {
  const device = await openSimulatedYubiHsm({ stateDir: null });
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, index) => device.exchange(Uint8Array.of(1, 0, 1, index))),
  );
  expect(replies.map((reply) => reply[3])).toEqual(Array.from({ length: 200 }, (_, index) => index));
});
