/** Whatever is done to replies on their way, a command gives its right result or an error and a closed session: never a wrong result. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { getPseudoRandom } from '../../../../../src/adapters/yubihsm/commands/get-pseudo-random.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import {
  factoryLogin,
  type OnReply,
  openWireSession,
  WireConnector,
} from '../../../../support/yubihsm-wire-connector.ts';
import { frameOf, WireDevice } from '../../../../support/yubihsm-wire-device.ts';

/** The device's random bytes are its count of commands, so that a replayed reply shows. */
function counting(): WireConnector {
  let count = 0;
  const device = new WireDevice({
    answer: ({ payload }) => {
      count += 1;
      return frameOf(0xd1, Buffer.alloc(payload.readUInt16BE(0), count));
    },
  });
  return new WireConnector(device);
}

const login = await factoryLogin();

const flipped = (reply: Buffer, at: number): Buffer => {
  const copy = Buffer.from(reply);
  const bit = at % (copy.length * 8);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

const alteration: fc.Arbitrary<{ readonly name: string; readonly alter: OnReply }> = fc.oneof(
  fc.nat().map((at) => ({ name: `flip ${at}`, alter: (reply: Buffer) => flipped(reply, at) })),
  fc.nat().map((at) => ({ name: `cut ${at}`, alter: (reply: Buffer) => reply.subarray(0, at % reply.length) })),
  fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((tail) => ({ name: 'extend', alter: (reply: Buffer) => Buffer.concat([reply, tail]) })),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((tail) => ({
    name: 'extend, length and all',
    alter: (reply: Buffer) => frameOf(reply[0] ?? 0, Buffer.concat([reply.subarray(3), tail])),
  })),
  fc.nat().map((at) => ({
    name: `drop a byte ${at}, length and all`,
    alter: (reply: Buffer) => {
      const payload = [...reply.subarray(3)];
      payload.splice(at % payload.length, 1);
      return frameOf(reply[0] ?? 0, Buffer.from(payload));
    },
  })),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ name: 'anything', alter: () => bytes })),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ name: 'anything in a frame', alter: () => frameOf(0x85, bytes) })),
);

test('altered replies of a session', async () => {
  await fc.assert(
    fc.asyncProperty(alteration, fc.integer({ min: 1, max: 60 }), async ({ alter }, count) => {
      const connector = counting();
      const session = await openWireSession(connector, { login });
      connector.onReply = alter;
      await expect(session.call(getPseudoRandom, { count })).rejects.toBeInstanceOf(KeyferryError);
      expect(session.isOpen).toBe(false);
    }),
    { numRuns: 120 },
  );
});

test('altered replies of a login', async () => {
  await fc.assert(
    fc.asyncProperty(alteration, fc.boolean(), async ({ alter }, isFirst) => {
      const connector = counting();
      let isAltered = false;
      connector.onReply = (reply, message) => {
        if ((message[0] === 0x03) !== isFirst) return reply;
        const altered = alter(reply, message);
        isAltered = altered === null || !reply.equals(altered);
        return altered;
      };
      const opened = await openWireSession(connector, { login }).catch((error: unknown) => error);
      expect(opened instanceof KeyferryError).toBe(isAltered);
    }),
    { numRuns: 80, examples: [[{ name: 'another session', alter: (reply) => flipped(reply, 31) }, true]] },
  );
});

test('replies that are replayed from earlier, from another session or out of order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 30 }), async (which, count) => {
      const earlier: Buffer[] = [];
      const other = counting();
      const otherSession = await openWireSession(other, { login });
      other.onReply = (reply) => {
        earlier.push(reply);
        return reply;
      };
      for (let call = 0; call < 3; call += 1) await otherSession.call(getPseudoRandom, { count });
      const connector = counting();
      const session = await openWireSession(connector, { login });
      connector.onReply = (reply) => {
        earlier.push(reply);
        return reply;
      };
      for (let call = 0; call < 3; call += 1) await session.call(getPseudoRandom, { count });
      connector.onReply = () => earlier[which] ?? null;
      await expect(session.call(getPseudoRandom, { count })).rejects.toMatchObject({ code: 'reply-malformed' });
      expect(session.isOpen).toBe(false);
    }),
    { numRuns: 25 },
  );
});
