/** State on disk: the same device after a restart, after a kill at any byte, and for one process at a time. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { decodeDeviceLog, followsInLog } from '../../../../../src/adapters/yubihsm/wire/log-entry.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let folder: string;
const opened: SimulatedYubiHsm[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-yubihsm-'));
});

afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
  rmSync(folder, { recursive: true });
});

async function open(stateDir = join(folder, 'state')): Promise<SimulatedYubiHsm> {
  const device = await openSimulatedYubiHsm({ stateDir, firmware: '2.2' });
  opened.push(device);
  return device;
}

const close = async (device: SimulatedYubiHsm): Promise<void> => {
  opened.splice(opened.indexOf(device), 1);
  await device.close();
};

async function contents(device: SimulatedYubiHsm): Promise<string[]> {
  const client = await DeviceClient.open(device);
  const list = Buffer.from(await client.call('list-objects')).toString('hex');
  await client.call('close-session');
  return (list.match(/.{8}/g) ?? []).sort();
}

test('objects, sequences, options and identity are there again', async () => {
  const first = await open();
  const client = await DeviceClient.open(first);
  const id = await client.create('generate-asymmetric-key', {
    id: 3,
    algorithm: 'ecp256',
    can: ['sign-ecdsa'],
    label: 'ünïcode',
  });
  await client.create('generate-hmac-key', { id: 4, algorithm: 'hmac-sha1' });
  await client.remove('hmac-key', 4);
  await client.call('set-option', Uint8Array.of(1, 0, 1, 1));
  const before = {
    key: await client.call('get-public-key', withId(id)),
    info: await client.info('asymmetric-key', id),
    certificate: await client.call('get-opaque', withId(0)),
  };
  await close(first);

  const second = await open();
  expect(second.serial).toBe(first.serial);
  const again = await DeviceClient.open(second);
  expect(await again.call('get-public-key', withId(id))).toEqual(before.key);
  expect(await again.info('asymmetric-key', id)).toEqual(before.info);
  expect(await again.call('get-opaque', withId(0))).toEqual(before.certificate);
  expect(await again.call('get-option', Uint8Array.of(1))).toEqual(Uint8Array.of(1));
  await again.create('generate-hmac-key', { id: 4, algorithm: 'hmac-sha1' });
  expect(await again.info('hmac-key', 4)).toMatchObject({ sequence: 1 });
});

test('each start is an entry of the log, in one chain', async () => {
  await close(await open());
  await close(await open());
  const client = await DeviceClient.open(await open());
  const { entries } = decodeDeviceLog(await client.call('get-log-entries'));
  expect(entries.map(({ command }) => command)).toEqual([0xff, 0, 0, 0, 3, 4]);
  for (const [index, entry] of entries.entries())
    if (index > 0) expect(followsInLog(entry, entries[index - 1] as typeof entry)).toBe(true);
});

test('a write that was cut anywhere leaves the state before it or after it, and the device works on', async () => {
  const device = await open();
  const client = await DeviceClient.open(device);
  const file = join(folder, 'state', 'yubihsm.log');
  const without = await contents(device);
  const before = statSync(file).size;
  await client.create('put-opaque', { id: 5, algorithm: 'opaque-data' }, Buffer.from('data'));
  const after = statSync(file).size;
  await close(device);
  // Inside magic, length and checksum of the record's head, in its payload, and whole.
  for (const size of [0, 1, 4, 7, 11, 12, 13, 90, after - before - 1, after - before].map((bytes) => before + bytes)) {
    const copy = join(folder, `cut-${size}`);
    mkdirSync(copy, { mode: 0o700 });
    copyFileSync(file, join(copy, 'yubihsm.log'));
    truncateSync(join(copy, 'yubihsm.log'), size);
    const cut = await open(copy);
    expect(await contents(cut)).toEqual(size === after ? ['00050100', ...without].sort() : without);
    await (await DeviceClient.open(cut)).create(
      'put-opaque',
      { id: 6, algorithm: 'opaque-data' },
      Buffer.from('later'),
    );
    await close(cut);
    expect(await contents(await open(copy))).toContain('00060100');
  }
}, 20_000);

test('kill -9 in the middle of writing loses nothing that was answered', async () => {
  const stateDir = join(folder, 'killed');
  const child = join(folder, 'child.mts');
  const root = join(import.meta.dirname, '../../../../..');
  writeFileSync(
    child,
    `import { openSimulatedYubiHsm } from '${root}/src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
     import { DeviceClient } from '${root}/test/support/yubihsm-device-client.ts';
     const client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: ${JSON.stringify(stateDir)}, firmware: '2.2' }));
     for (let id = 2; id < 250; id += 1) {
       await client.create('put-opaque', { id, algorithm: 'opaque-data' }, Buffer.alloc(300, id));
       process.stdout.write(id + '\\n');
     }`,
  );
  const answered = await new Promise<number>((resolve, reject) => {
    const running = spawn(process.execPath, ['--import', 'tsx', child], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    running.on('error', reject);
    running.stdout.on('data', (text) => {
      output += text;
      if (output.length > 60) running.kill('SIGKILL');
    });
    running.on('close', () => resolve(Number(output.trim().split('\n').at(-1))));
  });
  expect(answered).toBeGreaterThan(2);
  const client = await DeviceClient.open(await open(stateDir));
  for (let id = 2; id <= answered; id += 1)
    expect(Buffer.from(await client.call('get-opaque', withId(id)))).toEqual(Buffer.alloc(300, id));
  await expectRefused(client.call('get-opaque', withId(answered + 2)), 'object-not-found');
}, 20_000);

test('files are for their owner alone, and say what they are', async () => {
  await open();
  const stateDir = join(folder, 'state');
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(stateDir)) expect(statSync(join(stateDir, name)).mode & 0o077, name).toBe(0);
  expect(readFileSync(join(stateDir, 'README'), 'utf8')).toContain('IN CLEAR TEXT');
});

test('a second owner is refused and told, and may come afterwards', async () => {
  const first = await open();
  await expect(open()).rejects.toMatchObject({ code: 'device-busy' });
  await close(first);
  await open();
});

test('a file that somebody changed is refused as damaged', async () => {
  const device = await open();
  await contents(device);
  await close(device);
  const file = join(folder, 'state', 'yubihsm.log');
  const bytes = readFileSync(file);
  bytes[60] = (bytes[60] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  await expect(open()).rejects.toMatchObject({ code: 'simulator-state' });
});

test('a file that grew long is written anew, with the same state', async () => {
  const first = await open();
  const client = await DeviceClient.open(first);
  for (let count = 0; count < 800; count += 1) {
    await client.create('put-opaque', { id: 5, algorithm: 'opaque-data' }, Buffer.alloc(900, count));
    await client.remove('opaque', 5);
  }
  await client.create('put-opaque', { id: 6, algorithm: 'opaque-data' }, Buffer.from('kept'));
  const { entries } = decodeDeviceLog(await client.call('get-log-entries'));
  await client.call('set-log-index', new ByteWriter().u16(entries.at(-1)?.number ?? 0).toBytes());
  await close(first);
  const file = join(folder, 'state', 'yubihsm.log');
  expect(statSync(file).size).toBeGreaterThan(1 << 20);

  for (const round of [1, 2]) {
    const device = await open();
    expect(statSync(file).size, `round ${round}`).toBeLessThan(1 << 16);
    const again = await DeviceClient.open(device);
    expect(Buffer.from(await again.call('get-opaque', withId(6))).toString()).toBe('kept');
    const log = decodeDeviceLog(await again.call('get-log-entries'));
    expect(log.entries[0]).toMatchObject({ number: (entries.at(-1)?.number ?? 0) + 1 });
    await close(device);
  }
}, 20_000);
