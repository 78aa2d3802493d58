import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectorFailure, parseConnectorStatus } from '../../../../../src/adapters/yubihsm/connector/connector.ts';
import { HttpConnector } from '../../../../../src/adapters/yubihsm/connector/http-connector.ts';

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

const servers: Server[] = [];
const connectors: HttpConnector[] = [];

async function connectorOver(handle: Handler, timeoutMs = 2_000): Promise<HttpConnector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, Buffer.concat(chunks), response));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return connectorAt(`http://127.0.0.1:${portOf(server)}`, timeoutMs);
}

function connectorAt(url: string, timeoutMs = 2_000): HttpConnector {
  const connector = new HttpConnector({ url, timeoutMs });
  connectors.push(connector);
  return connector;
}

afterEach(async () => {
  for (const connector of connectors.splice(0)) await connector.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function portOf(server: Server | undefined): number {
  const address = server?.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
  return address.port;
}

async function failureOf(promise: Promise<unknown>): Promise<ConnectorFailure> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectorFailure) return error;
  throw error;
}

describe('connector over HTTP', () => {
  test('posts the message as it is, with its length, and gives the reply as it is', async () => {
    const seen: { url?: string; method?: string; headers: IncomingMessage['headers']; body: Buffer }[] = [];
    const connector = await connectorOver((request, body, response) => {
      const { url = '', method = '', headers } = request;
      seen.push({ url, method, headers, body });
      response.end(Buffer.from([0x81, 0, 1, 0xff]));
    });
    const reply = await connector.send(Uint8Array.of(1, 0, 1, 0xff), { sessionTag: '0011223344556677' });
    expect([...reply]).toEqual([0x81, 0, 1, 0xff]);
    expect(seen[0]).toMatchObject({
      url: '/connector/api',
      method: 'POST',
      headers: {
        'content-length': '4',
        'content-type': 'application/octet-stream',
        'yubihsm-session': '0011223344556677',
      },
    });
    expect(seen[0]?.headers['transfer-encoding']).toBeUndefined();
    expect([...(seen[0]?.body ?? [])]).toEqual([1, 0, 1, 0xff]);
    await connector.send(Uint8Array.of(1, 0, 0));
    expect(seen[1]?.headers['yubihsm-session']).toBeUndefined();
  });

  test('keeps its connection for the next message', async () => {
    const sockets = new Set<Socket>();
    const connector = await connectorOver((request, _, response) => {
      sockets.add(request.socket);
      response.end(Buffer.from([0x81, 0, 0]));
    });
    for (let call = 0; call < 3; call += 1) await connector.send(Uint8Array.of(1, 0, 0));
    expect(sockets.size).toBe(1);
  });

  test('sends again over a new connection when a kept one was closed meanwhile', async () => {
    let requests = 0;
    const connector = await connectorOver((request, _, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end(Buffer.from([0x81, 0, 0]));
    });
    await connector.send(Uint8Array.of(1, 0, 0));
    expect([...(await connector.send(Uint8Array.of(2, 0, 0)))]).toEqual([0x81, 0, 0]);
    expect(requests).toBe(3);
  });

  test('does not send again when a new connection broke off', async () => {
    let requests = 0;
    const connector = await connectorOver((request) => {
      requests += 1;
      request.socket.destroy();
    });
    expect(await failureOf(connector.send(Uint8Array.of(1, 0, 0)))).toMatchObject({
      code: 'device-lost',
      wasSent: true,
    });
    expect(requests).toBe(1);
  });

  test('reads the status', async () => {
    const connector = await connectorOver((request, _, response) => {
      expect(request.url).toBe('/connector/status');
      response.end('status=OK\nserial=*\nversion=3.0.7\npid=17\naddress=localhost\nport=12345\n');
    });
    expect(await connector.status()).toEqual({ status: 'OK', serial: null, version: '3.0.7' });
  });

  test('refuses a status that is not a connector’s', async () => {
    const connector = await connectorOver((_, __, response) => response.end('<html>hello</html>'));
    expect(await failureOf(connector.status())).toMatchObject({ code: 'device-unreachable', wasSent: false });
  });

  test('keeps a path before the connector’s own', async () => {
    let url: string | undefined;
    const connector = await connectorOver((request, _, response) => {
      url = request.url;
      response.end(Buffer.from([0x81, 0, 0]));
    });
    const port = portOf(servers.at(-1));
    await connectorAt(`http://127.0.0.1:${port}/hsm`).send(Uint8Array.of(1, 0, 0));
    expect(url).toBe('/hsm/connector/api');
    await connector.close();
  });

  test.each([
    [400, 'device-refused', false],
    [403, 'device-unreachable', false],
    [404, 'device-unreachable', false],
    [405, 'device-unreachable', false],
    [500, 'device-lost', true],
    [502, 'device-lost', true],
    [204, 'device-lost', true],
  ])('HTTP %i is %s', async (status, code, wasSent) => {
    const connector = await connectorOver((_, __, response) => {
      response.statusCode = status;
      response.end(status === 204 ? undefined : 'libusb: \u0007no device [code -4]\nsecond line');
    });
    const failure = await failureOf(connector.send(Uint8Array.of(1, 0, 0)));
    expect(failure).toMatchObject({ code, wasSent });
    expect(failure.message).toContain(String(status));
    expect(failure.message).not.toContain('second line');
    expect(failure.message).toMatch(/^[\x20-\x7e]+$/);
  });

  test('says that nothing listens there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    const failure = await failureOf(connectorAt(`http://127.0.0.1:${port}`).send(Uint8Array.of(1, 0, 0)));
    expect(failure).toMatchObject({ code: 'device-unreachable', wasSent: false });
    expect(failure.message).toContain('nothing listens there');
    expect(failure.hint).toContain('yubihsm-connector');
  });

  test('says that http and https were mixed up', async () => {
    const connector = await connectorOver((_, __, response) => response.end());
    const port = portOf(servers.at(-1));
    const failure = await failureOf(connectorAt(`https://127.0.0.1:${port}`).send(Uint8Array.of(1, 0, 0)));
    expect(failure).toMatchObject({ code: 'device-unreachable', wasSent: false });
    await connector.close();
  });

  test('waits no longer than it is told', async () => {
    const connector = await connectorOver(() => undefined, 60_000);
    const failure = await failureOf(connector.send(Uint8Array.of(1, 0, 0), { timeoutMs: 50 }));
    expect(failure).toMatchObject({ code: 'device-lost', wasSent: true });
    expect(failure.message).toContain('50 ms');
  });

  test('waits no longer for the rest of a reply either', async () => {
    const connector = await connectorOver((_, __, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write(Buffer.from([0x81]));
    }, 60);
    expect(await failureOf(connector.send(Uint8Array.of(1, 0, 0)))).toMatchObject({
      code: 'device-lost',
      wasSent: true,
    });
  });

  test('refuses a reply that breaks off', async () => {
    const connector = await connectorOver((request, _, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write(Buffer.from([0x81]), () => request.socket.destroy());
    });
    expect(await failureOf(connector.send(Uint8Array.of(1, 0, 0)))).toMatchObject({
      code: 'device-lost',
      wasSent: true,
    });
  });

  test('takes the longest reply that a device gives, and none that is longer', async () => {
    let length = 3_136;
    const connector = await connectorOver((_, __, response) => response.end(Buffer.alloc(length)));
    expect((await connector.send(Uint8Array.of(1, 0, 0))).length).toBe(3_136);
    length = 100_000;
    expect(await failureOf(connector.send(Uint8Array.of(1, 0, 0)))).toMatchObject({
      code: 'reply-malformed',
      wasSent: true,
    });
  });

  test.each(['', 'localhost:12345', 'ftp://localhost', 'http://user:pass@localhost', 'http://localhost/?a=1'])(
    'refuses the url %j without showing it',
    (url) => {
      expect(() => new HttpConnector({ url })).toThrow(ConnectorFailure);
      expect(() => new HttpConnector({ url })).toThrow('its url is not one of a connector');
    },
  );
});

describe('the status text', () => {
  test('of a connector that is pinned to a device and has none', () => {
    expect(parseConnectorStatus('status=NO_DEVICE\r\nserial=0007550140\r\nversion=3.0.7\r\n')).toEqual({
      status: 'NO_DEVICE',
      serial: '0007550140',
      version: '3.0.7',
    });
  });

  test.each(['', 'OK', 'serial=1\n', 'STATUS=OK\n'])('is not %j', (text) => {
    expect(parseConnectorStatus(text)).toBeNull();
  });
});
