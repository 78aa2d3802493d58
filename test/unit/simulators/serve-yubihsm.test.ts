/** `simulator serve yubihsm`: what it takes, what it says, and that it lets go of port and state. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SERVED_SIMULATORS, type Served } from '../../../src/simulators/served.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-serve-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function serve(options: Readonly<Record<string, string>> = {}): Promise<Served> {
  const simulator = SERVED_SIMULATORS.yubihsm;
  if (simulator === undefined) throw new Error('no yubihsm among the served simulators');
  return await simulator.serve({ port: 0, stateDir: join(folder, 'state'), options, env: {} });
}

test('serves a device of that firmware, and the same one the next time', async () => {
  const first = await serve({ firmware: '2.2' });
  expect(first.facts).toMatchObject({ firmware: '2.2', serial: expect.stringMatching(/^\d{8}$/) });
  const info = await fetch(`${first.facts.url}/connector/api`, { method: 'POST', body: Buffer.of(6, 0, 0) });
  expect(Buffer.from(await info.arrayBuffer()).subarray(3, 6)).toEqual(Buffer.of(2, 2, 0));
  await first.close();
  await expect(fetch(`${first.facts.url}/connector/status`)).rejects.toThrow();

  const second = await serve();
  expect(second.facts).toMatchObject({ firmware: '2.4', serial: first.facts.serial });
  await second.close();
});

test('refuses a firmware that is not simulated, and a folder that is served already', async () => {
  await expect(serve({ firmware: '3.0' })).rejects.toMatchObject({ code: 'usage' });
  const first = await serve();
  await expect(serve()).rejects.toMatchObject({ code: 'device-busy' });
  await first.close();
});

test('a port that is taken leaves the folder free', async () => {
  const first = await serve();
  const port = Number(new URL(first.facts.url).port);
  const other = join(folder, 'other');
  const request = { port, stateDir: other, options: {}, env: {} };
  await expect(SERVED_SIMULATORS.yubihsm?.serve(request)).rejects.toMatchObject({ code: 'usage' });
  const again = await SERVED_SIMULATORS.yubihsm?.serve({ ...request, port: 0 });
  await again?.close();
  await first.close();
});
