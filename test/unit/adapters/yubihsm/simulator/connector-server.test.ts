/** The connector over real HTTP: its two pages, its refusals, and clients that misbehave. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ServedConnector,
  serveConnector,
} from '../../../../../src/adapters/yubihsm/simulator/connector-server.ts';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';

let device: SimulatedYubiHsm;
let served: ServedConnector;

beforeEach(async () => {
  const faults = [{ command: 'get-device-info', kind: 'lose-reply' }] as const;
  device = await openSimulatedYubiHsm({ stateDir: null, serial: 1234, faults: { faults } });
  served = await serveConnector(device, { port: 0 });
});

afterEach(async () => {
  await served.close();
  await device.close();
});

const post = (body: Uint8Array): Promise<Response> =>
  fetch(`${served.url}/connector/api`, { method: 'POST', body: Buffer.from(body) });

/** What a client gets that writes these lines itself. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    setTimeout(() => socket.end(), 150);
  });

test('status: one key and value a line, short, with the serial and its own port', async () => {
  const response = await fetch(`${served.url}/connector/status`);
  const text = await response.text();
  expect(text).toMatch(
    /^status=OK\nserial=00001234\nversion=\d+\.\d+\.\d+\npid=\d+\naddress=127\.0\.0\.1\nport=\d+\n$/,
  );
  expect(text).toContain(`port=${new URL(served.url).port}\n`);
  expect(text.length).toBeLessThan(256);
  expect(response.headers.get('content-length')).toBe(String(text.length));
});

test('api: bytes in, bytes out', async () => {
  const response = await post(Uint8Array.of(1, 0, 2, 0xca, 0xfe));
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.of(0x81, 0, 2, 0xca, 0xfe));
});

test('gives the caller’s own request id back', async () => {
  const response = await fetch(`${served.url}/connector/status`, { headers: { 'X-Request-ID': 'mine-1' } });
  expect(response.headers.get('x-request-id')).toBe('mine-1');
});

describe('is refused', () => {
  test.each([
    ['/connector/api', 'GET', 'POST'],
    ['/connector/api', 'PUT', 'POST'],
    ['/connector/status', 'POST', 'GET'],
  ])('%s by %s, 405', async (path, method, allow) => {
    const response = await fetch(`${served.url}${path}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
  });
  test.each([0, 1, 2, 3140, 10_000])('a message of %i bytes, 400', async (length) => {
    expect((await post(new Uint8Array(length))).status).toBe(400);
  });
  test('a chunked message, 400', async () => {
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${served.url}/connector/api`, { method: 'POST' }, (response) =>
        resolve(response.statusCode),
      );
      sent.on('error', reject);
      sent.write(Buffer.of(1, 0, 0));
      sent.end();
    });
    expect(status).toBe(400);
  });
  test('another path, 404', async () => expect((await fetch(`${served.url}/`)).status).toBe(404));
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'the host name %s, 403',
    async (host) => {
      expect(await raw(`GET /connector/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toContain(
        '403',
      );
    },
  );
  test.each(['localhost', 'localhost.', '127.0.0.1:12345', '[::1]:1', 'LOCALHOST:9'])(
    'the host name %s not',
    async (host) => {
      expect(await raw(`GET /connector/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toContain(
        '200 OK',
      );
    },
  );
  test('a port that is taken, with a reason', async () => {
    const port = Number(new URL(served.url).port);
    await expect(serveConnector(device, { port })).rejects.toMatchObject({ code: 'usage' });
  });
});

test('a client that goes away in the middle, or never was HTTP, harms nobody', async () => {
  await raw('POST /connector/api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nabc');
  await raw('not http at all\r\n\r\n');
  expect((await post(Uint8Array.of(1, 0, 0))).status).toBe(200);
});

test('a reply that is lost ends the connection without an answer', async () => {
  await expect(post(Uint8Array.of(6, 0, 0))).rejects.toThrow();
  expect((await post(Uint8Array.of(1, 0, 0))).status).toBe(200);
});

test('listens on the loopback address alone', () => expect(new URL(served.url).hostname).toBe('127.0.0.1'));
