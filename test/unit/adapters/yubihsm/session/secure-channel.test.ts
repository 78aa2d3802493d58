import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveSymmetricSession } from '../../../../../src/adapters/yubihsm/session/key-derivation.ts';
import { ChannelError, SecureChannel } from '../../../../../src/adapters/yubihsm/session/secure-channel.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

const host = new Uint8Array(8);
const card = fromHex(VECTORS.login.created).subarray(4, 12);

function pair(): { readonly near: SecureChannel; readonly far: SecureChannel; readonly hostCryptogram: Uint8Array } {
  const derived = () =>
    deriveSymmetricSession({ enc: fromHex(VECTORS.password.enc), mac: fromHex(VECTORS.password.mac) }, { host, card });
  const near = derived();
  return {
    near: new SecureChannel({ sessionId: 0, keys: near.keys }),
    far: new SecureChannel({ sessionId: 0, keys: derived().keys }),
    hostCryptogram: near.hostCryptogram,
  };
}

describe('secure channel', () => {
  test('authenticates with the very bytes that Yubico recorded', () => {
    const { near, hostCryptogram } = pair();
    expect(toHex(near.authenticateCommand(hostCryptogram))).toBe(VECTORS.login.authenticate);
  });

  test('carries commands and replies of every length, many in a row', () => {
    const { near, far, hostCryptogram } = pair();
    expect(toHex(far.unwrapAuthenticate(near.authenticateCommand(hostCryptogram)))).toBe(toHex(hostCryptogram));
    for (let length = 0; length < 70; length += 1) {
      const command = new Uint8Array(length).fill(0x80);
      expect(toHex(far.unwrapCommand(near.wrapCommand(command)))).toBe(toHex(command));
      const reply = new Uint8Array(length);
      expect(toHex(near.unwrapResponse(far.wrapResponse(reply)))).toBe(toHex(reply));
    }
  });

  test('pads whole blocks with a block of their own', () => {
    const { near } = pair();
    expect(near.wrapCommand(new Uint8Array(16)).length).toBe(3 + 1 + 32 + 8);
    expect(near.wrapCommand(new Uint8Array(15)).length).toBe(3 + 1 + 16 + 8);
  });

  test('never encrypts the same command the same way twice', () => {
    const { near, far } = pair();
    const one = near.wrapCommand(Uint8Array.of(1, 0, 0));
    far.unwrapCommand(one);
    near.unwrapResponse(far.wrapResponse(Uint8Array.of(0x81, 0, 0)));
    const two = near.wrapCommand(Uint8Array.of(1, 0, 0));
    expect(toHex(two)).not.toBe(toHex(one));
  });

  test('refuses a command that is sent a second time, and goes on with the right one', () => {
    const { near, far } = pair();
    const command = near.wrapCommand(Uint8Array.of(1, 0, 0));
    far.unwrapCommand(command);
    near.unwrapResponse(far.wrapResponse(Uint8Array.of(0x81, 0, 0)));
    expect(() => far.unwrapCommand(command)).toThrow(ChannelError);
    expect(toHex(far.unwrapCommand(near.wrapCommand(Uint8Array.of(2, 0, 0))))).toBe('020000');
  });

  test('refuses a reply of an earlier command', () => {
    const { near, far } = pair();
    far.unwrapCommand(near.wrapCommand(Uint8Array.of(1, 0, 0)));
    const early = far.wrapResponse(Uint8Array.of(0x81, 0, 0));
    near.unwrapResponse(early);
    far.unwrapCommand(near.wrapCommand(Uint8Array.of(2, 0, 0)));
    expect(() => near.unwrapResponse(early)).toThrow('authentication code');
  });

  test('refuses a command as a reply and a reply as a command', () => {
    const { near, far } = pair();
    const command = near.wrapCommand(Uint8Array.of(1, 0, 0));
    expect(() => near.unwrapResponse(command)).toThrow('another type');
    far.unwrapCommand(command);
    expect(() => far.unwrapCommand(far.wrapResponse(Uint8Array.of(1)))).toThrow('another type');
  });

  test.each([
    ['another session', [0x85, 0, 25, 1, ...new Uint8Array(24)], 'another session'],
    ['no room for a MAC', [0x85, 0, 8, 0, ...new Uint8Array(7)], 'too short'],
  ])('refuses a reply of %s', (_, bytes, words) => {
    const { near } = pair();
    near.wrapCommand(Uint8Array.of(1, 0, 0));
    expect(() => near.unwrapResponse(Uint8Array.from(bytes))).toThrow(words);
  });

  test('refuses every reply with one bit changed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ maxLength: 40 }), (at, data) => {
        const { near, far } = pair();
        far.unwrapCommand(near.wrapCommand(Uint8Array.of(1, 0, 0)));
        const reply = Uint8Array.from(far.wrapResponse(data));
        const bit = at % (reply.length * 8);
        reply[bit >> 3] = (reply[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => near.unwrapResponse(reply)).toThrow();
      }),
      { numRuns: 150 },
    );
  });

  test('does nothing any more when it is wiped', () => {
    const { near, far } = pair();
    near.wipe();
    expect(() => far.unwrapCommand(near.wrapCommand(Uint8Array.of(1, 0, 0)))).toThrow(ChannelError);
  });
});
