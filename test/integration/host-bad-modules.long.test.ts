/** Device hosts around modules that crash and hang inside their own code. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
import { type HostedDeviceOptions, openHostedDevice } from '../../src/adapters/pkcs11/host/hosted-device.ts';
import { Secret } from '../../src/keys/secret.ts';
import { badModule } from '../support/bad-modules/compile.ts';
import { PLAIN_PROFILE } from '../support/host-profile.ts';

let home: string;
let open: Device[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keyferry-home-'));
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((device) => device.close()));
  expect(readdirSync(join(home, 'device-hosts'))).toEqual([]);
});

async function hosted(behaviour: string, changes: Partial<HostedDeviceOptions> = {}): Promise<Device> {
  const device = await openHostedDevice({
    name: 'bad',
    adapter: 'cloudhsm',
    profile: PLAIN_PROFILE,
    modulePath: badModule('bad-module'),
    libraryParameters: behaviour,
    selector: { token: 'bad' },
    sessions: 2,
    home,
    retryPin: false,
    callTimeoutMs: 20_000,
    pin: async () => new Secret('1234'),
    ...changes,
  });
  open.push(device);
  return device;
}

async function inventory(device: Device): Promise<number> {
  let count = 0;
  for await (const batch of device.inventory({})) count += batch.length;
  return count;
}

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('it should have been rejected'),
    (error: unknown) => error,
  );

test('a module that behaves opens and is empty, whatever it prints', async () => {
  const device = await hosted('print:C_Login');
  expect(await device.describe()).toMatchObject({ label: 'bad', serial: 'BAD1', trust: 'hardware' });
  expect(await inventory(device)).toBe(0);
});

describe('a module that crashes', () => {
  test.each(['C_Initialize', 'C_GetSlotList', 'C_Login'])('in %s while opening', async (call) => {
    const error = await thrown(hosted(`crash:${call}`));
    expect(error).toMatchObject({
      code: 'device-lost',
      outcome: 'not-applied',
      message: expect.stringMatching(new RegExp(`SIGSEGV.*crashing in ${call}`)),
    });
  });

  test('in its login: the same PIN is tried a few times only, as nobody says whether it counted', async () => {
    for (let n = 0; n < 4; n += 1) await thrown(hosted('crash:C_Login'));
    expect(await thrown(hosted(''))).toMatchObject({ code: 'login-remembered' });
    const device = await hosted('', { retryPin: true });
    expect(await inventory(device)).toBe(0);
  });

  test('in a reading call: lost, opened again by the next reading, and lost again', async () => {
    const device = await hosted('crash:C_FindObjectsInit');
    expect(await thrown(inventory(device))).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
    expect(await device.describe()).toMatchObject({ serial: 'BAD1' });
    expect(await thrown(inventory(device))).toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
  });

  test('when it is closed: nobody minds', async () => {
    const device = await hosted('crash:C_Finalize');
    await expect(device.close()).resolves.toBeUndefined();
  });
});

describe('a module that hangs', () => {
  test.each(['C_Initialize', 'C_GetTokenInfo', 'C_Login'])('in %s while opening', async (call) => {
    const error = await thrown(hosted(`hang:${call}`, { openTimeoutMs: 3_000 }));
    expect(error).toMatchObject({ code: 'module-hung', outcome: 'not-applied', device: 'bad' });
  });

  test('in a reading call', async () => {
    const device = await hosted('hang:C_FindObjects', { callTimeoutMs: 1_500, openTimeoutMs: 20_000 });
    expect(await thrown(inventory(device))).toMatchObject({
      code: 'module-hung',
      outcome: 'not-applied',
      message: expect.stringContaining('1.5 s'),
    });
  });

  test('when it is closed: it is killed', async () => {
    const device = await hosted('hang:C_Finalize');
    const start = performance.now();
    await device.close();
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
