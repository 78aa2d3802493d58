/** What becomes of device hosts when the engine gets a signal or dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endOrphanedHosts } from '../../src/adapters/pkcs11/host/host-register.ts';
import { isAlive, markOf, type ProcessMark } from '../../src/adapters/processes/process-mark.ts';

const DRIVER = fileURLToPath(new URL('../support/host-driver.ts', import.meta.url));

let folder: string;
let started: ProcessMark[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-host-parent-'));
  writeFileSync(join(folder, 'log'), '');
  started = [];
});

afterEach(() => {
  for (const mark of started) if (isAlive(mark)) process.kill(mark.pid, 'SIGKILL');
});

/** Its id, kept as a mark: by the end of the test the id may be another process's. */
function noted({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process did not start');
  started.push(markOf(pid));
  return pid;
}

const home = (): string => join(folder, 'home');

interface Driven {
  readonly driver: ChildProcess & { readonly pid: number };
  readonly host: ProcessMark;
  /** The next line that the driver prints. */
  line(): Promise<string>;
}

async function drive(action: string, ms = 0): Promise<Driven> {
  const args = ['--import', 'tsx', DRIVER, home(), join(folder, 'log'), action, `${ms}`];
  const driver = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = noted(driver);
  const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const [, hostPid] = (await line()).split(' ');
  const host = markOf(Number(hostPid));
  started.push(host);
  return { driver: Object.assign(driver, { pid }), host, line };
}

async function goneWithin(ms: number, mark: ProcessMark): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isAlive(mark) && performance.now() < deadline) await sleep(10);
  return !isAlive(mark);
}

test('an interrupt from the terminal reaches the engine and not the call in its host', async () => {
  const { driver, line } = await drive('sleep', 600);
  await sleep(100);
  process.kill(-driver.pid, 'SIGINT');
  expect(await line()).toBe('interrupted');
  expect(await line()).toBe('{"slept":600}');
  expect(await once(driver, 'exit')).toEqual([0, null]);
});

test.each(['hang', 'block'])('a host in a call (%s) dies with its engine', async (action) => {
  const { driver, host } = await drive(action);
  await sleep(300);
  expect(isAlive(host)).toBe(true);
  process.kill(driver.pid, 'SIGKILL');
  expect(await goneWithin(3_000, host)).toBe(true);
});

test('before a device is opened again, the host of a killed engine is gone', async () => {
  const { driver, host } = await drive('block');
  await sleep(300);
  // Stopped, it can neither notice that its engine is gone nor be told: as a module stuck in a call.
  process.kill(host.pid, 'SIGSTOP');
  process.kill(driver.pid, 'SIGKILL');
  await once(driver, 'exit');
  expect(isAlive(host)).toBe(true);
  await endOrphanedHosts(home(), 'driven');
  expect(isAlive(host)).toBe(false);
  expect(readdirSync(join(home(), 'device-hosts'))).toEqual([]);
});

test('the host of a living engine is left alone', async () => {
  const { host, line } = await drive('sleep', 700);
  await endOrphanedHosts(home(), 'driven');
  expect(isAlive(host)).toBe(true);
  expect(await line()).toBe('{"slept":700}');
});

test('an entry of a process id that another process has now kills nobody', async () => {
  const bystander = noted(spawn('sleep', ['60']));
  await drive('sleep', 0);
  const path = join(home(), 'device-hosts', `${bystander}.json`);
  const dead = { pid: 1, started: '0' };
  writeFileSync(path, JSON.stringify({ host: { pid: bystander, started: '1' }, engine: dead }));
  await endOrphanedHosts(home(), 'driven');
  expect(isAlive(markOf(bystander))).toBe(true);
  expect(existsSync(path)).toBe(false);
});
