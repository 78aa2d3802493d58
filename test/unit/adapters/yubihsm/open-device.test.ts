import { createECDH } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenContext } from '../../../../src/adapters/adapter.ts';
import { yubihsm } from '../../../../src/adapters/yubihsm/adapter.ts';
import { putAuthenticationKey } from '../../../../src/adapters/yubihsm/commands/put-authentication-key.ts';
import { openOver } from '../../../../src/adapters/yubihsm/open-device.ts';
import { serveConnector } from '../../../../src/adapters/yubihsm/simulator/connector-server.ts';
import { openSimulatedYubiHsm } from '../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALL_CAPABILITIES } from '../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND } from '../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { labelOf } from '../../../../src/adapters/yubihsm/wire/label.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';
import { Secret } from '../../../../src/keys/secret.ts';
import { listKeys, openContext } from '../../../support/pkcs11-devices.ts';
import {
  make,
  openYubiHsm,
  refusalOf,
  yubihsmSettings,
  yubihsmSite,
} from '../../../support/yubihsm-adapter-devices.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const WRONG = 'not the password';

async function served() {
  const device = await openSimulatedYubiHsm({ stateDir: null, serial: 7_654_321 });
  const server = await serveConnector(device, { port: 0 });
  closers.push(
    () => device.close(),
    () => server.close(),
  );
  return server.url;
}

const connect = (values: Readonly<Record<string, unknown>>, context: OpenContext = openContext('password')) =>
  yubihsm.open(yubihsmSettings({ password: { env: 'X' }, ...values }, 'connector'), context);

describe('over a connector', () => {
  it('opens, says what it is and works', async () => {
    const device = await connect({ url: await served(), serial: '7654321' });
    closers.push(() => device.close());
    expect(await device.describe()).toMatchObject({
      // The simulator never passes for hardware.
      trust: 'software',
      serial: '7654321',
      firmware: '2.4.1',
      model: 'YubiHSM 2',
    });
    await make(device, { id: '0100' });
    expect((await listKeys(device)).map(({ id }) => id)).toEqual(['0001', '0100']);
    expect(device.fill).toBeUndefined();
  });

  it('refuses another device than the one it is pinned to', async () => {
    const error = await refusalOf(connect({ url: await served(), serial: '1' }));
    expect(error.code).toBe('token-not-found');
    expect(error.message).toContain('has the serial number 7654321, not 1');
  });

  it('remembers a refused password, which is not tried again, and never shows it', async () => {
    const url = await served();
    const context = openContext(WRONG);
    const first = await refusalOf(connect({ url }, context));
    const second = await refusalOf(connect({ url }, context));
    const third = await refusalOf(connect({ url }, { ...context, retryPin: true }));
    expect([first.code, second.code, third.code]).toEqual(['login-refused', 'login-remembered', 'login-refused']);
    for (const error of [first, second, third]) expect(JSON.stringify(error.toRecord())).not.toContain(WRONG);
    const right = await connect({ url }, { ...context, secret: async () => new Secret('password') });
    await right.close();
  });

  it('frees its place on every refusal, so that twenty of them do not fill the device', async () => {
    const url = await served();
    for (let count = 0; count < 20; count += 1) {
      expect((await refusalOf(connect({ url }, { ...openContext(`${WRONG} ${count}`) }))).code).toBe('login-refused');
    }
    await (await connect({ url })).close();
  });

  it('says that there is no such authentication key', async () => {
    const error = await refusalOf(connect({ url: await served(), 'authentication-key': '0002' }));
    expect(error).toMatchObject({ code: 'login-refused' });
    expect(error.message).toContain('no authentication key 0x0002');
  });

  it('says that nothing listens, and that what listens is no connector or has no device', async () => {
    expect(await refusalOf(connect({ url: 'http://127.0.0.1:1' }))).toMatchObject({ code: 'device-unreachable' });
    for (const [body, words] of [
      ['<html>', 'is not a YubiHSM connector'],
      ['status=NO_DEVICE\nserial=*\nversion=3.0.7\n', 'the connector runs and has no device (NO_DEVICE)'],
    ] as const) {
      const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      closers.push(async () => server.close());
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const error = await refusalOf(connect({ url: `http://127.0.0.1:${port}` }));
      expect(error.code).toBe('device-unreachable');
      expect(error.message).toContain(words);
    }
  });
});

describe('trust', () => {
  const openBent = async (certificate: Uint8Array | null) => {
    const site = await yubihsmSite();
    closers.push(() => site.close());
    return await site.openBent((command, reply) => {
      if (command.code !== COMMAND['get-opaque']) return reply;
      if (certificate !== null) return certificate;
      throw new KeyferryError('key-not-permitted', 'no.', { native: { name: 'insufficient-permissions', value: 9 } });
    }, 'connector');
  };

  it('is hardware where nothing says that it is a simulator, or nobody may ask', async () => {
    for (const certificate of [new TextEncoder().encode('Yubico'), null]) {
      expect((await (await openBent(certificate)).describe()).trust).toBe('hardware');
    }
  });
});

describe('logging in', () => {
  it('takes a private key instead of a password', async () => {
    const site = await yubihsmSite();
    closers.push(() => site.close());
    const ecdh = createECDH('prime256v1');
    const point = new Uint8Array(ecdh.generateKeys().subarray(1));
    const key = ecdh.getPrivateKey('hex').padStart(64, '0');
    await site.admin.call(putAuthenticationKey, {
      id: 0x50,
      label: labelOf('asymmetric'),
      domains: 0xffff,
      capabilities: ALL_CAPABILITIES,
      delegatedCapabilities: ALL_CAPABILITIES,
      material: { kind: 'public-key', point },
    });
    const values = { 'authentication-key': '0050', 'private-key': { env: 'X' } };
    const device = await openOver(site.connector, yubihsmSettings(values, 'connector'), openContext(key));
    await make(device, { id: '0100' });
    await device.close();
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });

  it.each([
    [{}, 'it needs a password or a private-key'],
    [{ password: { env: 'X' }, 'private-key': { env: 'X' } }, 'it has both a password and a private-key'],
    [{ 'private-key': { env: 'X' } }, 'its private-key must be 64 hex digits'],
    [{ password: { env: 'X' }, 'authentication-key': '0000' }, '0000 is no id of an authentication key'],
  ])('refuses the settings %o before it logs in', async (values, words) => {
    const site = await yubihsmSite();
    closers.push(() => site.close());
    const work = openOver(site.connector, yubihsmSettings(values, 'connector'), openContext('top secret'));
    const error = await refusalOf(work);
    expect(error.code).toBe('devices-invalid');
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('top secret');
  });
});

describe('the simulated driver', () => {
  it('keeps its objects and its serial number in its folder', async () => {
    const state = join(mkdtempSync(join(tmpdir(), 'keyferry-yubihsm-')), 'state');
    const first = await openYubiHsm({ state });
    await make(first, { id: '0100', label: 'kept' });
    const { serial } = await first.describe();
    await first.close();
    const second = await openYubiHsm({ state });
    closers.push(() => second.close());
    expect((await listKeys(second)).map(({ label }) => label)).toEqual(['DEFAULT AUTHKEY CHANGE THIS ASAP', 'kept']);
    expect((await second.describe()).serial).toBe(serial);
    expect((await second.describe()).trust).toBe('simulated');
  });

  it('is of the firmware asked for, and misbehaves as planned', async () => {
    const old = await openYubiHsm({ firmware: '2.0' });
    closers.push(() => old.close());
    expect((await old.describe()).firmware).toBe('2.0.0');
    const faulty = await openYubiHsm({
      faults: [{ command: 'list-objects', kind: 'lose-reply', nth: 1 }],
      'fault-seed': 1,
    });
    closers.push(() => faulty.close());
    expect((await refusalOf(listKeys(faulty))).code).toBe('device-lost');
    // The session was given up, and another one serves.
    expect((await listKeys(faulty)).map(({ id }) => id)).toEqual(['0001']);
  });

  it('says that every place for sessions is taken', async () => {
    const busy = openYubiHsm({ faults: [{ command: 'create-session', kind: 'busy-sessions' }] });
    expect(await refusalOf(busy)).toMatchObject({ code: 'device-busy', outcome: 'not-applied' });
  });

  it('refuses the wrong password as the device does', async () => {
    const wrong = openYubiHsm({ password: { env: 'X' } }, openContext(WRONG));
    expect((await refusalOf(wrong)).code).toBe('login-refused');
  });
});
