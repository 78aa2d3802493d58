/** The audit log: its chain by Yubico's rule, its ring of 62, force-audit, and the options that steer it. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { FirmwareLevel } from '../../../../../src/adapters/yubihsm/simulator/firmware.ts';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { COMMAND, type CommandName } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { decodeDeviceInfo } from '../../../../../src/adapters/yubihsm/wire/device-info.ts';
import { type DeviceLog, decodeDeviceLog } from '../../../../../src/adapters/yubihsm/wire/log-entry.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { callOutside, DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let device: SimulatedYubiHsm;
let client: DeviceClient;
let nowMs: number;

async function open(firmware: FirmwareLevel): Promise<void> {
  nowMs = 0;
  device = await openSimulatedYubiHsm({ stateDir: null, firmware, clock: () => nowMs });
  client = await DeviceClient.open(device);
}

const OPTION = { force: 1, command: 3, toggle: 4 } as const;
const setOption = (option: number, ...value: number[]): Promise<Uint8Array> =>
  client.call('set-option', new ByteWriter().u8(option).u16(value.length).bytes(Uint8Array.from(value)).toBytes());
const getOption = (option: number): Promise<Uint8Array> => client.call('get-option', Uint8Array.of(option));
const audit = (setting: number, ...names: CommandName[]): Promise<Uint8Array> =>
  setOption(OPTION.command, ...names.flatMap((name) => [COMMAND[name], setting]));
const log = async (): Promise<DeviceLog> => decodeDeviceLog(await client.call('get-log-entries'));
const commands = async (): Promise<number[]> => (await log()).entries.map(({ command }) => command);
const random = (): Promise<Uint8Array> => client.call('get-pseudo-random', Uint8Array.of(0, 1));

beforeEach(async () => await open('2.2'));

describe('entries', () => {
  test('begin with the reset and the boot, byte for byte', async () => {
    const raw = Buffer.from(await client.call('get-log-entries'));
    expect(raw.subarray(5, 21).toString('hex')).toBe(`0001${'ff'.repeat(14)}`);
    expect(raw.subarray(37, 53).toString('hex')).toBe('0002000000ffff000000000000000000');
    expect(await commands()).toEqual([0xff, 0, COMMAND['create-session'], COMMAND['authenticate-session']]);
  });
  test('chain by SHA-256 over their first half and the digest before', async () => {
    for (let count = 0; count < 5; count += 1) await random();
    const raw = Buffer.from(await client.call('get-log-entries')).subarray(5);
    for (let at = 32; at < raw.length; at += 32) {
      const digest = createHash('sha256')
        .update(raw.subarray(at, at + 16))
        .update(raw.subarray(at - 16, at))
        .digest();
      expect(raw.subarray(at + 16, at + 32).toString('hex')).toBe(digest.subarray(0, 16).toString('hex'));
    }
    expect(raw.length).toBe(9 * 32);
  });
  test('say who did what to which object, how it ended, and when', async () => {
    nowMs = 12_340;
    const id = await client.create('generate-hmac-key', { id: 0x77, algorithm: 'hmac-sha1', can: [] });
    await expectRefused(client.call('sign-hmac', withId(id, Uint8Array.of(1, 2, 3))), 'insufficient-permissions');
    const [made, used] = (await log()).entries.slice(-2);
    const both = { sessionKey: 1, targetKey: 0x77, secondKey: 0xffff, tick: 1234 };
    expect(made).toMatchObject({ ...both, number: 5, command: 0x5a, length: 53, result: 0xda });
    expect(used).toMatchObject({ ...both, number: 6, command: 0x53, length: 5, result: 0x09 });
  });
  test('name the wrap key and its object', async () => {
    const can = ['export-wrapped'] as const;
    await client.create('generate-wrap-key', {
      id: 8,
      algorithm: 'aes128-ccm-wrap',
      can,
      delegates: ['exportable-under-wrap'],
    });
    await client.create(
      'put-opaque',
      { id: 9, algorithm: 'opaque-data', can: ['exportable-under-wrap'] },
      Buffer.from('x'),
    );
    await client.call('export-wrapped', Uint8Array.of(0, 8, 1, 0, 9));
    expect((await log()).entries.at(-1)).toMatchObject({ targetKey: 8, secondKey: 9, result: 0xca });
  });
  test('record logins that failed', async () => {
    const { channel } = await DeviceClient.begin(device);
    await device.exchange(channel.authenticateCommand(new Uint8Array(8)));
    await callOutside(device, 'create-session', withId(99, new Uint8Array(8))).catch(() => undefined);
    expect((await log()).entries.slice(-2)).toMatchObject([
      { command: 4, targetKey: 1, result: 0x04, sessionKey: 0xffff },
      { command: 3, targetKey: 99, result: 0x0b },
    ]);
  });
  test('go round: the oldest of 62 makes room', async () => {
    for (let count = 0; count < 70; count += 1) await random();
    const { entries } = await log();
    expect(entries).toHaveLength(62);
    expect([entries[0]?.number, entries.at(-1)?.number]).toEqual([13, 74]);
    expect(decodeDeviceInfo(await callOutside(device, 'get-device-info'))).toMatchObject({ logUsed: 62 });
  });
  test('are given up to one that was read, which must be there', async () => {
    await client.call('set-log-index', Uint8Array.of(0, 3));
    expect((await log()).entries.map(({ number }) => number)).toEqual([4, 5]);
    await expectRefused(client.call('set-log-index', Uint8Array.of(0, 3)), 'invalid-data');
    await expectRefused(client.call('set-log-index', Uint8Array.of(3)), 'wrong-length');
  });
  test('start anew after a reset', async () => {
    await client.call('reset-device');
    client = await DeviceClient.open(device);
    expect((await log()).entries.map(({ number, command }) => [number, command])).toEqual([
      [1, 0xff],
      [2, 0],
      [3, 3],
      [4, 4],
    ]);
  });
});

describe('what is recorded', () => {
  test('by default nearly everything before firmware 2.3.1, nothing from then on', async () => {
    await random();
    expect(await commands()).toContain(COMMAND['get-pseudo-random']);
    await open('2.4');
    await random();
    expect(await commands()).toEqual([0xff, 0]);
  });
  test('is listed for every command in the device order', async () => {
    await open('2.4');
    const settings = Buffer.from(await getOption(OPTION.command)).toString('hex');
    expect(settings.startsWith('0100030004000500060007000900080040004100')).toBe(true);
    expect(settings.endsWith('0a006d006e006f007000710072007300740075007600' + '7700')).toBe(true);
  });
  test('is set for single commands', async () => {
    await open('2.4');
    await audit(1, 'get-pseudo-random');
    await random();
    await client.call('get-storage-info');
    expect(await commands()).toEqual([0xff, 0, COMMAND['get-pseudo-random']]);
    await audit(0, 'get-pseudo-random');
    await random();
    expect(await commands()).toHaveLength(3);
  });
  test('stays when it is fixed, until a reset', async () => {
    await audit(2, 'get-pseudo-random');
    await expectRefused(audit(0, 'get-pseudo-random'), 'invalid-data');
    await client.call('reset-device');
    client = await DeviceClient.open(device);
    await audit(0, 'get-pseudo-random');
  });
});

describe('force-audit', () => {
  const isFull = async (): Promise<boolean> => (await log()).entries.length === 62;

  beforeEach(async () => {
    await setOption(OPTION.force, 1);
    while (!(await isFull())) await random();
  });

  test('refuses what cannot be recorded, and keeps every entry', async () => {
    const before = await log();
    await expectRefused(random(), 'log-full');
    await expectRefused(client.create('generate-hmac-key', { algorithm: 'hmac-sha1' }), 'log-full');
    expect(await log()).toEqual(before);
    expect(Buffer.from(await client.call('echo', Buffer.from('x'))).toString()).toBe('x');
  });
  test('lets in who is to read the log, counts it, and goes on when it was read', async () => {
    client = await DeviceClient.open(device);
    const { unloggedAuthentications, entries } = await log();
    expect(unloggedAuthentications).toBe(1);
    await client.call('set-log-index', new ByteWriter().u16(entries.at(-1)?.number ?? 0).toBytes());
    expect(await log()).toMatchObject({ unloggedAuthentications: 0, entries: [{ command: COMMAND['set-log-index'] }] });
    await random();
    await setOption(OPTION.force, 0);
    expect(await getOption(OPTION.force)).toEqual(Uint8Array.of(0));
  });
  test('closes a session though it cannot be recorded', async () => {
    await client.call('close-session');
  });
});

describe('options', () => {
  test.each([
    ['an unknown option', [9, 0, 1, 1], 'invalid-data'],
    ['the FIPS option of a device that is none', [5, 0, 1, 1], 'invalid-data'],
    ['an unknown setting', [1, 0, 1, 3], 'invalid-data'],
    ['an unknown command', [3, 0, 2, 0x3f, 1], 'invalid-data'],
    ['half a pair', [3, 0, 3, 1, 1, 3], 'wrong-length'],
    ['a wrong length', [1, 0, 2, 1], 'wrong-length'],
    ['nothing', [1, 0, 0], 'wrong-length'],
    ['two settings', [1, 0, 2, 1, 1], 'wrong-length'],
  ] as const)('%s is refused and nothing is set', async (_name, payload, error) => {
    const before = [await getOption(OPTION.force), await getOption(OPTION.command)];
    await expectRefused(client.call('set-option', Uint8Array.from(payload)), error);
    expect([await getOption(OPTION.force), await getOption(OPTION.command)]).toEqual(before);
  });
  test('getting an unknown one is refused', async () => await expectRefused(getOption(5), 'invalid-data'));

  test('algorithms are switched off on a fresh device only', async () => {
    await setOption(OPTION.toggle, 47, 0, 46, 1);
    const settings = Buffer.from(await getOption(OPTION.toggle));
    expect(settings[settings.indexOf(Buffer.of(47)) + 1]).toBe(0);
    await expectRefused(client.create('generate-asymmetric-key', { algorithm: 'ecp224' }), 'algorithm-disabled');
    await client.create('generate-asymmetric-key', { algorithm: 'ecp256' });
    await expectRefused(setOption(OPTION.toggle, 47, 1), 'insufficient-permissions');
  });
  test('a fixed algorithm stays on until a reset', async () => {
    const settingOf = async (algorithm: number): Promise<number | undefined> => {
      const settings = await getOption(OPTION.toggle);
      return settings[2 * [...settings].filter((_, at) => at % 2 === 0).indexOf(algorithm) + 1];
    };
    await setOption(OPTION.toggle, 47, 2);
    expect([await settingOf(47), await settingOf(46)]).toEqual([2, 1]);
    await expectRefused(setOption(OPTION.toggle, 47, 0), 'invalid-data');
    await expectRefused(setOption(OPTION.toggle, 47, 1), 'invalid-data');
    await expectRefused(setOption(OPTION.toggle, 46, 3), 'invalid-data');
    await client.create('generate-asymmetric-key', { algorithm: 'ecp224' });
    await client.call('reset-device');
    client = await DeviceClient.open(device);
    expect(await settingOf(47)).toBe(1);
  });
  test('a signature algorithm that is off signs nothing', async () => {
    await setOption(OPTION.toggle, 23, 0);
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp256', can: ['sign-ecdsa'] });
    await expectRefused(client.call('sign-ecdsa', withId(id, new Uint8Array(20))), 'algorithm-disabled');
    expect((await client.call('sign-ecdsa', withId(id, new Uint8Array(32)))).length).toBeGreaterThan(60);
  });
});
