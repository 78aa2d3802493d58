/**
 * What goes wrong with a YubiHSM, by the command line: a clear message, nothing made on the device, and no place for a session kept: all 16
 * can be opened afterwards.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { serveConnector } from '../../src/adapters/yubihsm/simulator/connector-server.ts';
import { openSimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { type CliResult, lastJson, REPOSITORY, runCli } from '../support/built-cli.ts';
import { DeviceClient } from '../support/yubihsm-device-client.ts';

vi.setConfig({ testTimeout: 60_000 });

const PLACES = 16;

interface Desk {
  /** The settings of the device anew. */
  devices(token: string): void;
  write(name: string, text: string): void;
  keyferry(...args: string[]): Promise<CliResult>;
}

/** `token`: settings of the device, as YAML flow pairs. */
function aDesk(token: string, env: Readonly<Record<string, string>> = {}): Desk {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-yubihsm-bad-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text, { mode: 0o600 });
  const account = '{ adapter: kms, driver: simulated, region: eu-west-1, state: state/account }';
  const devices = (settings: string): void =>
    write('devices.yaml', `devices:\n  token: { adapter: yubihsm, ${settings} }\n  account: ${account}\n`);
  devices(token);
  return { write, devices, keyferry: (...args) => runCli([...args, '--home', 'home', '--json'], { cwd: dir, env }) };
}

async function servedDevice() {
  const device = await openSimulatedYubiHsm({ stateDir: null });
  const server = await serveConnector(device, { port: 0 });
  onTestFinished(async () => {
    await device.close();
    await server.close();
  });
  const settings = `driver: connector, url: "${server.url}", password: { env: PASSWORD }`;
  return { device, settings, sessions: (count: number) => openSessions(device, count) };
}

async function openSessions(device: Parameters<typeof DeviceClient.open>[0], count: number): Promise<DeviceClient[]> {
  const clients: DeviceClient[] = [];
  for (let number = 0; number < count; number += 1) clients.push(await DeviceClient.open(device));
  return clients;
}

const errorOf = ({ stderr }: CliResult): { code: string; message: string; hint: string } => JSON.parse(stderr).error;
const made = (...steps: readonly string[]): string =>
  `keyferry: 1\nplaybook: make\ntitle: Make keys\ndevices: { token: yubihsm }\nprepare:\n${steps.map((step) => `  - ${step}\n`).join('')}`;
const EC_KEY = '{ do: token.generate-ec-key-pair, with: { label: payments-ec, curve: P-256, extractable: true } }';
const AES_KEY = '{ do: token.generate-key, with: { type: aes, bits: 256, label: payments-aes, extractable: true } }';
const shipped = (name: string): string => join(REPOSITORY, 'playbooks', `${name}.yaml`);

it('a connector without a device', async () => {
  const server = createServer((_, response) => response.end('status=NO_DEVICE\nserial=*\nversion=3.0.7\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const desk = aDesk(`driver: connector, url: "http://127.0.0.1:${port}", password: { env: PASSWORD }`, {
    PASSWORD: 'password',
  });
  const keys = await desk.keyferry('keys', 'token');
  expect([keys.code, errorOf(keys).code]).toEqual([7, 'device-unreachable']);
  expect(errorOf(keys).message).toContain('the connector runs and has no device (NO_DEVICE)');
});

it('a wrong password: named, not tried twice, and its half-open session closed', async () => {
  const { settings, sessions } = await servedDevice();
  const desk = aDesk(settings, { PASSWORD: 'wrong-canary' });
  const [first, second] = [await desk.keyferry('keys', 'token'), await desk.keyferry('keys', 'token')];
  expect([first.code, errorOf(first).code, second.code, errorOf(second).code]).toEqual([
    ...[7, 'login-refused'],
    ...[7, 'login-remembered'],
  ]);
  expect(first.stderr + second.stderr).not.toContain('wrong-canary');
  expect(await sessions(PLACES)).toHaveLength(PLACES);
});

it('a device whose sessions are all taken: busy, and usable once one is free', async () => {
  const { settings, sessions } = await servedDevice();
  const [first] = await sessions(PLACES);
  const desk = aDesk(settings, { PASSWORD: 'password' });
  const full = await desk.keyferry('keys', 'token');
  expect([full.code, errorOf(full).code]).toEqual([7, 'device-busy']);
  expect(errorOf(full).message).toMatch(/sessions-full/);
  await first?.call('close-session');
  expect((await desk.keyferry('keys', 'token')).code).toBe(0);
  // The command has given its place back.
  expect(await sessions(1)).toHaveLength(1);
});

it('replies that are altered: believed nowhere, and nothing is made', async () => {
  const desk = aDesk(
    'driver: simulated, state: state/token, faults: [{ command: get-object-info, kind: corrupt-reply }]',
  );
  desk.write('make.yaml', made(EC_KEY));
  const run = await desk.keyferry('run', 'make.yaml', '--yes');
  expect([run.code, errorOf(run).code]).toEqual([7, 'reply-malformed']);
  expect(errorOf(run).message).toMatch(/The session was closed/);
  desk.devices('driver: simulated, state: state/token');
  const { keys } = JSON.parse((await desk.keyferry('keys', 'token')).stdout);
  expect(keys.map(({ id }: { id: string }) => id)).toEqual(['0001']);
});

it('firmware that is too old for the route: each key is blocked, with a route that works', async () => {
  const desk = aDesk('driver: simulated, state: state/token, firmware: "2.3"');
  desk.write('make.yaml', made(EC_KEY, AES_KEY));
  expect((await desk.keyferry('run', 'make.yaml', '--yes')).code).toBe(0);
  for (const [playbook, instead] of [
    ['yubihsm-to-kms', /firmware 2\.3\.\d of token has no .*\(2\.4 has\): back its keys up under an AES wrap key/],
    [
      'yubihsm-to-kms-symmetric',
      /firmware 2\.3\.\d of token has no RSA wrap \(2\.4 has\): export it under an AES wrap/,
    ],
  ] as const) {
    expect((await desk.keyferry('plan', shipped(playbook))).stdout).toMatch(instead);
    const run = await desk.keyferry('run', shipped(playbook), '--yes', '--allow-plaintext');
    expect([run.code, errorOf(run).code]).toEqual([3, 'plan-blocked']);
  }
  expect(JSON.parse((await desk.keyferry('keys', 'account')).stdout).keys).toEqual([]);
});

it('an id in use: known before anything is made', async () => {
  const desk = aDesk('driver: simulated, state: state/token');
  const taken = EC_KEY.replace('label', 'id: "0100", label');
  desk.write('make.yaml', made(taken));
  expect((await desk.keyferry('run', 'make.yaml', '--yes')).code).toBe(0);
  desk.write('again.yaml', made(AES_KEY, taken));
  const plan = await desk.keyferry('plan', 'again.yaml');
  expect(plan.stdout).toMatch(/asymmetric-key 0x0100 is on token already/);
  const again = await desk.keyferry('run', 'again.yaml', '--yes');
  expect([again.code, errorOf(again).code]).toEqual([3, 'plan-blocked']);
  const { keys } = JSON.parse((await desk.keyferry('keys', 'token')).stdout);
  expect(keys.map(({ label }: { label: string }) => label)).not.toContain('payments-aes');
});

it('a full log: the run stops with a reason, and goes on once there is room; the device has what it had', async () => {
  const devices = 'driver: simulated, state: state/token';
  const desk = aDesk(`${devices}, faults: [{ command: get-rsa-wrapped-key, kind: log-full }]`);
  desk.write('make.yaml', made(EC_KEY));
  expect((await desk.keyferry('run', 'make.yaml', '--yes')).code).toBe(0);
  const before = (await desk.keyferry('keys', 'token')).stdout;
  const run = await desk.keyferry('run', shipped('yubihsm-to-kms'), '--yes');
  expect(lastJson(run).state).toBe('paused');
  expect(errorOf(run).message).toMatch(/audit log is full and force-audit is on \(log-full\)/);
  expect(errorOf(run).hint).toMatch(/Read the log/);
  desk.devices(devices);
  const resumed = await desk.keyferry('resume');
  expect(lastJson(resumed)).toMatchObject({ state: 'done', summary: { migrated: 1 }, leftovers: [] });
  expect((await desk.keyferry('keys', 'token')).stdout).toBe(before);
});
