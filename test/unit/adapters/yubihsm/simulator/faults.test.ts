/** Planned faults: what the device did, what the host saw, and which time it happens. */
import { expect, test } from 'vitest';
import {
  YUBIHSM_FAULT_KINDS,
  YUBIHSM_FAULTS_SHAPE,
  type YubiHsmFault,
} from '../../../../../src/adapters/yubihsm/simulator/faults.ts';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { DeviceClient } from '../../../../support/yubihsm-device-client.ts';
import { expectOuter, expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

const open = (...faults: YubiHsmFault[]): Promise<SimulatedYubiHsm> =>
  openSimulatedYubiHsm({ stateDir: null, faults: { faults } });
const put = (client: DeviceClient, id: number): Promise<number> =>
  client.create('put-opaque', { id, algorithm: 'opaque-data' }, Buffer.from('data'));
const has = async (device: SimulatedYubiHsm, id: number): Promise<boolean> =>
  await (await DeviceClient.open(device)).info('opaque', id).then(
    () => true,
    () => false,
  );

test('lose-reply: done, never answered', async () => {
  const device = await open({ command: 'put-opaque', kind: 'lose-reply', nth: 2 });
  const client = await DeviceClient.open(device);
  await put(client, 5);
  await expect(put(client, 6)).rejects.toMatchObject({ name: 'DroppedReply' });
  expect([await has(device, 5), await has(device, 6)]).toEqual([true, true]);
});

test('drop-before: not done, never answered', async () => {
  const device = await open({ command: 'put-opaque', kind: 'drop-before' });
  await expect(put(await DeviceClient.open(device), 5)).rejects.toMatchObject({ name: 'DroppedReply' });
  expect(await has(device, 5)).toBe(false);
});

test('delay: done later', async () => {
  const client = await DeviceClient.open(await open({ command: 'echo', kind: 'delay', ms: 40 }));
  const start = performance.now();
  await client.call('echo');
  expect(performance.now() - start).toBeGreaterThanOrEqual(38);
});

test('corrupt-reply: done, and no host can open the answer', async () => {
  const device = await open({ command: 'put-opaque', kind: 'corrupt-reply' });
  for (let id = 1; id <= 8; id += 1) {
    await expect(put(await DeviceClient.open(device), id)).rejects.toThrow();
    expect(await has(device, id)).toBe(true);
  }
});

test('outer-error: not done, and the session is gone', async () => {
  const device = await open({ command: 'put-opaque', kind: 'outer-error', nth: 1 });
  const client = await DeviceClient.open(device);
  await expectOuter(put(client, 5), 'session-failed');
  await expectOuter(client.call('echo'), 'invalid-session');
  expect(await has(device, 5)).toBe(false);
});

test('outer-error with a byte of its own', async () => {
  const device = await open({ command: 'get-storage-info', kind: 'outer-error', error: 0x0b });
  await expectOuter((await DeviceClient.open(device)).call('get-storage-info'), 'object-not-found');
});

test('log-full: refused inside, and the session goes on', async () => {
  const device = await open({ command: 'put-opaque', kind: 'log-full', nth: 1 });
  const client = await DeviceClient.open(device);
  await expectRefused(put(client, 5), 'log-full');
  expect(await put(client, 5)).toBe(5);
});

test('busy-sessions: no new session, and the old ones stay', async () => {
  const device = await open({ command: 'create-session', kind: 'busy-sessions', nth: 2 });
  const client = await DeviceClient.open(device);
  await expectOuter(DeviceClient.open(device), 'sessions-full');
  await client.call('echo');
  await DeviceClient.open(device);
});

test('* counts every command, and a seed makes chance the same again', async () => {
  const run = async (seed: number): Promise<string> => {
    const device = await openSimulatedYubiHsm({
      stateDir: null,
      faults: { seed, faults: [{ command: 'echo', kind: 'log-full', probability: 0.5 }] },
    });
    const client = await DeviceClient.open(device);
    let pattern = '';
    for (let count = 0; count < 24; count += 1)
      pattern += await client.call('echo').then(
        () => '.',
        () => 'x',
      );
    return pattern;
  };
  expect(await run(1)).toBe(await run(1));
  expect(await run(1)).not.toBe(await run(2));
  const device = await open({ command: '*', kind: 'log-full', nth: 4 });
  const client = await DeviceClient.open(device);
  await client.call('echo');
  await expectRefused(client.call('get-storage-info'), 'log-full');
});

test('a devices file can say all of it', () => {
  expect(JSON.stringify(YUBIHSM_FAULTS_SHAPE)).toContain('"put-opaque"');
  for (const kind of YUBIHSM_FAULT_KINDS) expect(JSON.stringify(YUBIHSM_FAULTS_SHAPE)).toContain(`"${kind}"`);
});
