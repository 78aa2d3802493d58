/** Device hosts over SoftHSM: the login that must not be tried twice, many calls at once, a host killed in the middle of a call. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
import { type HostedDeviceOptions, openHostedDevice } from '../../src/adapters/pkcs11/host/hosted-device.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRecord, KeyRef } from '../../src/keys/key-record.ts';
import { Secret } from '../../src/keys/secret.ts';
import { PLAIN_PROFILE } from '../support/host-profile.ts';
import { makeSoftHsmToken, type SoftHsmToken, useSoftHsm } from '../support/softhsm.ts';

const PIN = 'softhsm-pin-8841';

let token: SoftHsmToken;
let home: string;
let open: Device[];

beforeAll(() => {
  token = makeSoftHsmToken({ label: 'hosted', pin: PIN });
  useSoftHsm(token);
});

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keyferry-home-'));
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((device) => device.close()));
});

async function hosted(changes: Partial<HostedDeviceOptions> = {}, pin = PIN): Promise<Device> {
  const device = await openHostedDevice({
    name: 'cluster',
    adapter: 'cloudhsm',
    profile: PLAIN_PROFILE,
    modulePath: token.module,
    selector: { token: token.token },
    sessions: 4,
    home,
    retryPin: false,
    pin: async () => new Secret(pin),
    ...changes,
  });
  open.push(device);
  return device;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'no error',
    (caught: unknown) => caught,
  );
  if (error instanceof KeyferryError) return error.code;
  throw error;
}

async function keysOf(device: Device): Promise<KeyRecord[]> {
  const records: KeyRecord[] = [];
  for await (const batch of device.inventory({})) records.push(...batch);
  return records;
}

const makeKey = (device: Device, label: string) =>
  device.perform({ action: 'generate-key', args: { type: 'aes', bits: 256, label, extractable: true } });

/** The home folder names the hosts for as long as they live. */
const hostPids = (): number[] => readdirSync(join(home, 'device-hosts')).map((name) => Number.parseInt(name, 10));

describe('a hosted SoftHSM token', () => {
  test('opens, describes itself as software, and makes keys', async () => {
    const device = await hosted();
    const description = await device.describe();
    expect(description).toMatchObject({ driver: 'pkcs11', trust: 'software', label: 'hosted', firmware: '2.6' });
    expect(description.capabilities.wrap).toContain('rsa-oaep-sha1');
    const { outputs, violations } = await makeKey(device, 'made');
    expect(violations).toEqual([]);
    const record = await device.read(outputs.key as KeyRef);
    expect(record).toMatchObject({ label: 'made', type: 'aes', kcv: expect.stringMatching(/^[0-9a-f]{6}$/) });
  });

  test('answers many calls at once, each with the same result', async () => {
    const device = await hosted();
    const { outputs } = await makeKey(device, 'busy');
    const request = { key: outputs.key as KeyRef, salt: Uint8Array.of(1), methods: ['encrypt-ecb'] as const };
    const prints = await Promise.all(Array.from({ length: 200 }, () => device.fingerprint(request)));
    expect(prints[0]?.method).toBe('encrypt-ecb');
    expect(new Set(prints.map((print) => print?.value)).size).toBe(1);
  });

  test('moves a key to another token in another process', async () => {
    const other = makeSoftHsmToken({ label: 'second', pin: PIN, dir: token.dir });
    const [source, target] = await Promise.all([hosted(), hosted({ name: 'other', selector: { token: other.token } })]);
    const generate = {
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'pair', 'modulus-bits': 2048 },
    };
    const pair = (await target.perform(generate)).outputs;
    const exported = await target.perform({ action: 'export-public-key', args: { key: pair.public_key } });
    const imported = await source.perform({
      action: 'import-public-key',
      args: { 'public-key': exported.outputs.pem, label: 'pair', purpose: 'wrapping' },
    });
    const key = (await makeKey(source, 'moving')).outputs.key as KeyRef;
    const wrapped = await source.perform({
      action: 'wrap-key',
      args: { key, 'wrapping-key': imported.outputs.key, mechanism: 'rsa-oaep-sha1' },
    });
    const arrived = await target.perform({
      action: 'unwrap-key',
      args: { 'wrapped-key': wrapped.outputs.data, 'unwrapping-key': pair.private_key, like: key },
    });
    const ask = { salt: Uint8Array.of(7), methods: ['encrypt-ecb'] as const };
    const there = await target.fingerprint({ ...ask, key: arrived.outputs.key as KeyRef });
    expect(there).toEqual(await source.fingerprint({ ...ask, key }));
    expect(there?.value).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a host killed in the middle of calls: outcome unknown, and the next reading shows what is there', async () => {
    const device = await hosted();
    const before = (await keysOf(device)).length;
    const calls = Array.from({ length: 40 }, (_, n) => makeKey(device, `killed-${n}`));
    const settled = Promise.allSettled(calls);
    await Promise.race(calls);
    for (const pid of hostPids()) process.kill(pid, 'SIGKILL');
    const results = await settled;
    const made = results.filter(({ status }) => status === 'fulfilled').length;
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as KeyferryError] : []));
    expect(lost.length).toBeGreaterThan(0);
    for (const error of lost) expect(error).toMatchObject({ code: 'device-lost', outcome: 'unknown' });
    const after = (await keysOf(device)).length - before;
    expect(after).toBeGreaterThanOrEqual(made);
    expect(after).toBeLessThanOrEqual(made + lost.length);
  });
});

describe('what cannot be opened', () => {
  test('a token that is not there: the message says which are', async () => {
    const error: unknown = await hosted({ selector: { token: 'absent' } }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'token-not-found', message: expect.stringContaining('"hosted"') });
  });

  test('a module that is not there', async () => {
    expect(await codeOf(hosted({ modulePath: '/nowhere.so' }))).toBe('module-not-loaded');
  });

  test('a module whose configuration file is not there', async () => {
    useSoftHsm({ ...token, conf: '/nowhere/softhsm2.conf' });
    try {
      expect(await codeOf(hosted())).toBe('module-not-loaded');
    } finally {
      useSoftHsm(token);
    }
  });
});

describe('a wrong PIN', () => {
  test('is refused once, remembered by every later process, and puts nothing secret in files', async () => {
    const own = makeSoftHsmToken({ label: 'wrong-pin', pin: PIN, dir: token.dir });
    const selector = { token: own.token };
    const wrong = 'not-the-pin-3390';
    expect(await codeOf(hosted({ selector }, wrong))).toBe('login-refused');
    expect(await codeOf(hosted({ selector }, wrong))).toBe('login-remembered');
    expect(await codeOf(hosted({ selector }, wrong))).toBe('login-remembered');
    const memory = readFileSync(join(home, 'refused-pins.json'), 'utf8');
    expect(memory).not.toContain(wrong);
    // SoftHSM has counted a wrong PIN, so even the right one is a risk that the operator must take knowingly.
    expect(await codeOf(hosted({ selector }))).toBe('login-risky');
    const device = await hosted({ selector, retryPin: true });
    await device.close();
    const again = await hosted({ selector });
    expect((await again.describe()).label).toBe('wrong-pin');
  });

  test('is tried once by three processes at the same time', async () => {
    const own = makeSoftHsmToken({ label: 'wrong-at-once', pin: PIN, dir: token.dir });
    const selector = { token: own.token };
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(hosted({ selector }, 'not-the-pin-3391'))));
    expect(codes.toSorted()).toEqual(['login-refused', 'login-remembered', 'login-remembered']);
  });
});
