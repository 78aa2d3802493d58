import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionResult, Device, InventoryQuery } from '../../src/adapters/adapter.ts';
import { type HostedDeviceOptions, openHostedDevice } from '../../src/adapters/pkcs11/host/hosted-device.ts';
import type { Pkcs11Profile } from '../../src/adapters/pkcs11/profile.ts';
import { isAlive, markOf } from '../../src/adapters/processes/process-mark.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import { Secret } from '../../src/keys/secret.ts';

const PIN = 'host-pin-5512';
const FAKE = new URL('../support/host-fake-main.ts', import.meta.url);

let folder: string;
let log: string;
let open: Device[];
let pinsAsked: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-host-'));
  log = join(folder, 'log');
  writeFileSync(log, '');
  open = [];
  pinsAsked = 0;
});

afterEach(async () => {
  await Promise.all(open.map((device) => device.close()));
  // Whatever a test does to it, no host's process and no entry of it is left behind.
  expect(existsSync(hostFolder()) ? readdirSync(hostFolder()) : []).toEqual([]);
});

const home = (): string => join(folder, 'home');
const hostFolder = (): string => join(home(), 'device-hosts');
const performed = (): string[] => readFileSync(log, 'utf8').trim().split('\n');

async function hosted(changes: Partial<HostedDeviceOptions> = {}): Promise<Device> {
  const device = await openHostedDevice({
    name: 'cluster',
    adapter: 'cloudhsm',
    profile: {} as Pkcs11Profile,
    modulePath: log,
    selector: {},
    sessions: 9,
    home: home(),
    retryPin: false,
    callTimeoutMs: 20_000,
    openTimeoutMs: 20_000,
    program: FAKE,
    pin: async () => {
      pinsAsked += 1;
      return new Secret(PIN);
    },
    ...changes,
  });
  open.push(device);
  return device;
}

const perform = (device: Device, action: string, args: Record<string, unknown> = {}): Promise<ActionResult> =>
  device.perform({ action, args });
const key = { kind: 'key', device: 'cluster', locator: {} } as unknown as KeyRef;
const hostPid = async (device: Device): Promise<number> =>
  ((await device.describe()) as unknown as { pid: number }).pid;

async function failure(promise: Promise<unknown>): Promise<KeyferryError> {
  const error: unknown = await promise.then(
    () => expect.fail('it should have been rejected'),
    (caught: unknown) => caught,
  );
  if (!(error instanceof KeyferryError)) throw error;
  expect(`${error.message}${error.hint}`).not.toContain(PIN);
  return error;
}

describe('a hosted device', () => {
  test('passes values through whole: bytes, big integers, undefined', async () => {
    const device = await hosted();
    const args = { data: Uint8Array.of(1, 2, 255), handle: 2n ** 63n, deep: [{ none: undefined, nothing: null }] };
    const { outputs } = await perform(device, 'echo', args);
    expect(outputs.data).toBeInstanceOf(Uint8Array);
    expect(outputs).toEqual(args);
  });

  test('runs in another process, with a thread per session, and its PIN in no argument', async () => {
    const described = (await (await hosted()).describe()) as unknown as Record<string, unknown>;
    expect(described.pid).not.toBe(process.pid);
    expect(described).toMatchObject({ threads: '9', label: `${PIN.length}` });
    expect(described.argv).not.toContain(PIN);
    expect(readFileSync(`/proc/${String(described.pid)}/environ`, 'latin1')).not.toContain(PIN);
  });

  test('answers many calls at once, each its own', async () => {
    const device = await hosted();
    const results = await Promise.all(Array.from({ length: 500 }, (_, n) => perform(device, 'echo', { n })));
    expect(results.map(({ outputs }) => outputs.n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  test('refuses as the device refuses', async () => {
    expect((await failure(perform(await hosted(), 'refuse'))).toRecord()).toMatchObject({
      code: 'key-not-extractable',
      outcome: 'not-applied',
      native: { name: 'CKR_X', value: 1 },
    });
  });

  test('shows a bug as a bug, and goes on', async () => {
    const device = await hosted();
    await expect(perform(device, 'bug')).rejects.not.toBeInstanceOf(KeyferryError);
    await expect(perform(device, 'bug')).rejects.toThrow('a bug');
    expect((await perform(device, 'echo', { a: 1 })).outputs).toEqual({ a: 1 });
  });

  test('streams an inventory no faster than it is taken', async () => {
    const device = await hosted();
    const query: InventoryQuery = {};
    for await (const batch of device.inventory(query)) {
      expect(batch).toEqual([{ handle: '0' }]);
      break;
    }
    expect(performed()).toEqual(['batch 0']);
    const all = [];
    for await (const batch of device.inventory(query)) all.push(...batch);
    expect(all).toEqual([{ handle: '0' }, { handle: '1' }, { handle: '2' }]);
  });

  test('logs out and ends when closed; later calls are refused', async () => {
    const device = await hosted();
    const pid = await hostPid(device);
    await device.close();
    expect(isAlive(markOf(pid))).toBe(false);
    expect(performed()).toEqual(['closed']);
    expect(await failure(device.read(key))).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
    expect(await failure(perform(device, 'echo'))).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
    await device.close();
  });

  test('is killed when it does not close within two seconds', async () => {
    const device = await hosted({ selector: { token: 'slow-close' } });
    const start = performance.now();
    await device.close();
    expect(performance.now() - start).toBeGreaterThan(1_900);
    expect(performance.now() - start).toBeLessThan(6_000);
  });
});

describe('what cannot be opened', () => {
  test('rejects with what the host said', async () => {
    expect(await failure(hosted({ modulePath: '' }))).toMatchObject({
      code: 'module-not-loaded',
      message: 'no module',
    });
    expect(pinsAsked).toBe(0);
  });

  test('rejects with why there is no PIN', async () => {
    const pin = () => Promise.reject(new KeyferryError('secret-unavailable', 'the variable is not set'));
    expect(await failure(hosted({ pin }))).toMatchObject({ code: 'secret-unavailable' });
  });

  test('a host program that does not start', async () => {
    const program = new URL('./is-not-there.ts', FAKE);
    expect(await failure(hosted({ program }))).toMatchObject({
      code: 'device-lost',
      message: expect.stringContaining('exit code 1'),
    });
  });

  test('a PIN may take longer than a call', async () => {
    const pin = async () => {
      await sleep(4_500);
      return new Secret(PIN);
    };
    const device = await hosted({ pin, openTimeoutMs: 4_000 });
    expect((await device.describe()).serial).toBe('S1');
  });
});

describe('a crash', () => {
  test('rejects what was under way: unknown for a change, not applied for a reading', async () => {
    const device = await hosted({ readActions: ['sleep'] });
    const [crash, change, reading, other] = await Promise.all([
      failure(perform(device, 'crash')),
      failure(perform(device, 'hang')),
      failure(perform(device, 'sleep', { ms: 60_000 })),
      failure(
        device
          .inventory({})
          [Symbol.asyncIterator]()
          .next()
          .then(() => perform(device, 'hang')),
      ),
    ]);
    expect(crash).toMatchObject({ code: 'device-lost', outcome: 'unknown', device: 'cluster', operation: 'crash' });
    expect(change).toMatchObject({ code: 'device-lost', outcome: 'unknown' });
    expect(reading).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
    expect(other).toMatchObject({ code: 'device-lost' });
    expect(crash.message).toContain('SIGSEGV');
    expect(crash.message).toContain('crash [0m with PIN [redacted]');
    expect(crash.message).not.toContain('\u001b');
  });

  test('is not mended by a call that changes, and is by one that reads', async () => {
    const device = await hosted();
    const first = await hostPid(device);
    process.kill(first, 'SIGKILL');
    expect(await failure(perform(device, 'hang'))).toMatchObject({ code: 'device-lost' });
    expect(await failure(perform(device, 'echo'))).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
    expect(performed()).not.toContain('echo');
    const [a, b] = await Promise.all([hostPid(device), hostPid(device)]);
    expect(a).toBe(b);
    expect(a).not.toBe(first);
    expect((await perform(device, 'echo', { back: true })).outputs).toEqual({ back: true });
    expect(pinsAsked).toBe(1);
  });

  test('an exit of the process is a loss too', async () => {
    expect(await failure(perform(await hosted(), 'exit'))).toMatchObject({
      code: 'device-lost',
      message: expect.stringContaining('exit code 3'),
    });
  });
});

describe('a hang', () => {
  test.each(['hang', 'block'])('of kind %s ends the process and leaves the outcome unknown', async (action) => {
    const device = await hosted({ callTimeoutMs: 1_500 });
    const pid = await hostPid(device);
    const [hung, bystander] = await Promise.all([failure(perform(device, action)), failure(perform(device, 'hang'))]);
    expect(hung).toMatchObject({ code: 'module-hung', outcome: 'unknown', operation: action });
    expect(bystander).toMatchObject({ code: 'module-hung', outcome: 'unknown' });
    expect(isAlive(markOf(pid))).toBe(false);
  });

  test('calls that take long but not too long are left alone', async () => {
    const device = await hosted({ callTimeoutMs: 1_500 });
    await perform(device, 'sleep', { ms: 900 });
    await perform(device, 'sleep', { ms: 900 });
    expect((await perform(device, 'sleep', { ms: 10 })).outputs).toEqual({ slept: 10 });
  });
});

describe('signals', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s does not end a host', async (signal) => {
    const device = await hosted();
    const asleep = perform(device, 'sleep', { ms: 200 });
    process.kill(await hostPid(device), signal);
    expect((await asleep).outputs).toEqual({ slept: 200 });
  });
});
