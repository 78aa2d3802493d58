/** Firmware levels: what an older device does not have, it answers as a device that never heard of it. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { FirmwareLevel } from '../../../../../src/adapters/yubihsm/simulator/firmware.ts';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { COMMAND, type CommandName } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { decodeDeviceInfo } from '../../../../../src/adapters/yubihsm/wire/device-info.ts';
import { encodeFrame } from '../../../../../src/adapters/yubihsm/wire/frame.ts';
import { callOutside, DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectOuter, expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

const open = async (firmware: FirmwareLevel): Promise<DeviceClient> =>
  await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null, firmware }));

const FIRST: readonly [FirmwareLevel, FirmwareLevel, readonly CommandName[]][] = [
  ['2.0', '2.1', ['change-authentication-key']],
  [
    '2.2',
    '2.3',
    ['put-symmetric-key', 'generate-symmetric-key', 'encrypt-ecb', 'decrypt-ecb', 'encrypt-cbc', 'decrypt-cbc'],
  ],
  [
    '2.3',
    '2.4',
    ['put-public-wrap-key', 'get-rsa-wrapped-key', 'put-rsa-wrapped-key', 'export-rsa-wrapped', 'import-rsa-wrapped'],
  ],
];

test.each(FIRST)('%s does not have the commands of %s', async (older, newer, names) => {
  const [without, having] = [await open(older), await open(newer)];
  for (const name of names) {
    await expectRefused(without.call(name), 'invalid-command');
    await expectRefused(having.call(name), 'wrong-length');
  }
});

test('SSH certificates are answered as a command that does not exist', async () => {
  await expectRefused((await open('2.4')).callCode(0x5d), 'invalid-command');
});

test.each([
  ['2.0', 47, '2.0.0'],
  ['2.2', 48, '2.2.0'],
  ['2.3', 54, '2.3.1'],
  ['2.4', 55, '2.4.1'],
] as const)('%s knows %i algorithms and calls itself %s', async (firmware, count, version) => {
  const { device } = await open(firmware);
  const info = decodeDeviceInfo(await callOutside(device, 'get-device-info'));
  expect(info.algorithms).toHaveLength(count);
  expect(Object.values(info.firmware).join('.')).toBe(version);
});

describe('before 2.4', () => {
  test('there is no page of device info, no RSA wrap key, no export format', async () => {
    const client = await open('2.3');
    await expectOuter(callOutside(client.device, 'get-device-info', Uint8Array.of(1)), 'wrong-length');
    const wanted = { algorithm: 'rsa2048', delegates: [] } as const;
    await expectRefused(client.create('put-wrap-key', wanted, randomBytes(256)), 'invalid-data');
    await expectRefused(client.call('export-wrapped', Uint8Array.of(0, 1, 3, 0, 1, 1)), 'wrong-length');
  });
  test('messages end at 2048 bytes', async () => {
    const { device } = await open('2.3');
    expect(await device.exchange(encodeFrame(COMMAND.echo, new Uint8Array(2045)))).toHaveLength(2048);
    expect(Buffer.from(await device.exchange(encodeFrame(COMMAND.echo, new Uint8Array(2046)))).toString('hex')).toBe(
      '7f000108',
    );
  });
  test('echo inside a session takes what Yubico tests with: 2021 bytes', async () => {
    expect(await (await open('2.0')).call('echo', new Uint8Array(2021))).toHaveLength(2021);
  });
});

test('before 2.3 nobody logs in with a P-256 key', async () => {
  const client = await open('2.2');
  const wanted = { algorithm: 'ecp256-yubico-authentication', delegates: [] } as const;
  await expectRefused(client.create('put-authentication-key', wanted, randomBytes(64)), 'invalid-data');
  await expectOuter(callOutside(client.device, 'create-session', withId(1, randomBytes(65))), 'wrong-length');
  await expectOuter(callOutside(client.device, 'get-device-public-key'), 'invalid-command');
});

test('before 2.2 there is no algorithm toggle', async () => {
  const client = await open('2.1');
  await expectRefused(client.call('get-option', Uint8Array.of(4)), 'invalid-data');
  await expectRefused(client.call('set-option', Uint8Array.of(4, 0, 2, ALGORITHM.ecp224, 0)), 'invalid-data');
});

test('before 2.1 a digest must not be longer than the curve', async () => {
  for (const [firmware, isRefused] of [
    ['2.0', true],
    ['2.1', false],
  ] as const) {
    const client = await open(firmware);
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp256', can: ['sign-ecdsa'] });
    const signing = client.call('sign-ecdsa', withId(id, randomBytes(64)));
    if (isRefused) await expectRefused(signing, 'wrong-length');
    else expect((await signing).length).toBeGreaterThan(60);
  }
});

test('the factory key may everything, and give everything on: all 64 bits, which libyubihsm sends for `all`', async () => {
  for (const firmware of ['2.0', '2.5'] as const) {
    const client = await open(firmware);
    const all = (1n << 64n) - 1n;
    expect(await client.info('authentication-key', 1)).toMatchObject({
      capabilities: all,
      delegatedCapabilities: all,
    });
    const header = withId(
      9,
      Buffer.from('yubihsm-shell -c all --delegated all'.padEnd(40, '\0')),
      Buffer.from(`ffff${'ff'.repeat(8)}26${'ff'.repeat(8)}`, 'hex'),
    );
    await client.call('put-authentication-key', Buffer.concat([header, randomBytes(32)]));
    expect((await client.info('authentication-key', 9)).delegatedCapabilities).toBe(all);
  }
});
