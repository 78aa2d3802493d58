/**
 * Examples of commands, and what holds for each: its bytes and its reply as they are, replies that are not taken, and over a live session its
 * success, its refusal, and the end of the session where the reply is malformed.
 */
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/adapters/yubihsm/commands/command.ts';
import type { CommandCaller } from '../../src/adapters/yubihsm/session/session.ts';
import { labelOf } from '../../src/adapters/yubihsm/wire/label.ts';
import { WireError } from '../../src/adapters/yubihsm/wire/wire-error.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { factoryLogin, openWireSession, WireConnector } from './yubihsm-wire-connector.ts';
import { errorFrame, frameOf, WireDevice } from './yubihsm-wire-device.ts';
import { fromHex, toHex } from './yubihsm-wire-vectors.ts';

export const fill = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
export const times = (hex: string, count: number): string => hex.repeat(count);

export const LABEL = `6b31${times('00', 38)}`;
export const base = { id: 0x0150, label: labelOf('k1'), domains: 5, capabilities: 0x10080n };
/** id | label | domains | capabilities, then the algorithm. */
export const HEADER = `0150${LABEL}00050000000000010080`;
export const DELEGATED = '0000000000000080';
export const delegated = { delegatedCapabilities: 0x80n };
export interface Example {
  readonly name: string;
  readonly code: number;
  readonly effect: string;
  readonly sent: string;
  readonly reply: string;
  readonly value: unknown;
  /** Replies that must not be taken, in hex. */
  readonly wrong: readonly string[];
  encode(): Uint8Array;
  decode(reply: Uint8Array): unknown;
  call(session: CommandCaller): Promise<unknown>;
}

export function example<Request, Reply>(
  name: string,
  command: Command<Request, Reply>,
  request: Request,
  expected: { readonly sent: string; readonly reply: string; readonly value: Reply; readonly wrong: readonly string[] },
): Example {
  return {
    name,
    code: command.code,
    effect: command.effect,
    ...expected,
    encode: () => command.encode(request),
    decode: (reply) => command.decode(reply, request),
    call: (session) => session.call(command, request),
  };
}

export const CREATED = { reply: '0150', value: 0x0150, wrong: ['', '01', '0151', '0000', 'ffff', '015000'] };
export const IMPORTED = {
  reply: '030150',
  value: { type: 3, id: 0x150 },
  wrong: ['', '0301', '030000', '03ffff', '03015000'],
};
export const NOTHING = { reply: '', value: undefined, wrong: ['00', '0150'] };

/** `outside`: commands that have no session. */
export function describeCommands(examples: readonly Example[], outside: readonly Example[] = []): void {
  describe.each([...examples, ...outside])('$name', (command) => {
    test('is written to the byte', () => {
      expect(toHex(command.encode())).toBe(command.sent.replaceAll(' ', ''));
    });

    test('is read as it is', () => {
      expect(command.decode(fromHex(command.reply))).toEqual(command.value);
    });

    test.each(command.wrong.map((hex) => ({ hex })))('is not $hex', ({ hex }) => {
      expect(() => command.decode(fromHex(hex))).toThrow(WireError);
    });
  });

  test('every command changes what its name says', () => {
    const effects = Object.fromEntries(examples.map(({ name, effect }) => [name, effect]));
    for (const [name, effect] of Object.entries(effects)) {
      const creates = /^(?:put|generate|import)-/.test(name);
      const changes = /^(?:change|set)-/.test(name);
      const destroys = /^(?:delete|reset)-/.test(name);
      expect([name, effect]).toEqual([name, creates ? 'create' : changes ? 'change' : destroys ? 'destroy' : 'read']);
    }
  });

  describe('over a session', async () => {
    const login = await factoryLogin();

    test.each(examples)('$name succeeds', async (command) => {
      const device = new WireDevice({ answer: ({ type }) => frameOf(type | 0x80, fromHex(command.reply)) });
      const session = await openWireSession(new WireConnector(device), { login });
      expect(await command.call(session)).toEqual(command.value);
      expect(device.commands.map(toHex)).toEqual([toHex(frameOf(command.code, fromHex(command.sent)))]);
      expect(session.isOpen).toBe(true);
    });

    test.each(examples)('$name is refused', async (command) => {
      const device = new WireDevice({ answer: () => errorFrame(0x09) });
      const session = await openWireSession(new WireConnector(device), { login });
      await expect(command.call(session)).rejects.toMatchObject({
        code: 'key-not-permitted',
        outcome: 'not-applied',
        native: { value: 9 },
      });
      expect(session.isOpen).toBe(true);
    });

    const malformed = examples.flatMap((command) =>
      command.wrong.slice(0, 2).map((hex) => ({ name: command.name, hex, command })),
    );
    test.each(malformed)('$name ends the session with a reply of $hex', async ({ hex, command }) => {
      const device = new WireDevice({ answer: ({ type }) => frameOf(type | 0x80, fromHex(hex)) });
      const session = await openWireSession(new WireConnector(device), { login });
      const error = await command.call(session).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(KeyferryError);
      expect(error).toMatchObject({
        code: 'reply-malformed',
        outcome: command.effect === 'read' ? 'not-applied' : 'unknown',
      });
      expect(session.isOpen).toBe(false);
    });
  });
}
