/**
 * Yubico's connector over HTTP, in front of a simulated device: `GET /connector/status` and `POST /connector/api`, on the loopback address only
 * (yubihsm-connector 3.0.7). Left out: TLS, USB, the configuration file.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { DroppedReply } from './faults.ts';
import type { SimulatedYubiHsm } from './simulated-yubihsm.ts';

const ADDRESS = '127.0.0.1';
const SHORTEST_MESSAGE = 3;
const LONGEST_MESSAGE = 3139;
/** For headers and body of one request. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 1_000;
const HOSTS: readonly string[] = ['localhost', 'localhost.', '127.0.0.1', '[::1]'];

export interface ConnectorOptions {
  /** 0: any free one. */
  readonly port: number;
}

export interface ServedConnector {
  /** `http://127.0.0.1:12345` */
  readonly url: string;
  /** Ends connections too; the device stays open. */
  close(): Promise<void>;
}

type ServedDevice = Pick<SimulatedYubiHsm, 'exchange' | 'status'>;

/** Rejects with KeyferryError `usage` when the port cannot be had. */
export async function serveConnector(device: ServedDevice, { port }: ConnectorOptions): Promise<ServedConnector> {
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 500,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const bound = await listen(server, port);
  const status = device.status(ADDRESS, bound);
  server.on('request', (request, response) => {
    respond({ device, status, request, response }).catch(() => answer(response, 500));
  });
  return {
    url: `http://${ADDRESS}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : (cause.code ?? 'unknown reason');
      const hint = 'Choose another with --port, or leave it out to get a free one.';
      reject(new KeyferryError('usage', `Port ${port} cannot be listened on: ${why}.`, { cause, hint }));
    });
    server.listen(port, ADDRESS, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

interface Exchange {
  readonly device: ServedDevice;
  readonly status: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const METHODS: Readonly<Record<string, string>> = { '/connector/status': 'GET', '/connector/api': 'POST' };

async function respond(exchange: Exchange): Promise<void> {
  const { request, response, status } = exchange;
  response.setHeader('X-Request-ID', request.headers['x-request-id'] || randomUUID());
  if (!isAllowedHost(request.headers.host)) return answer(response, 403);
  const [path = ''] = (request.url ?? '').split('?');
  const method = Object.hasOwn(METHODS, path) ? METHODS[path] : undefined;
  if (method === undefined) return answer(response, 404);
  if (request.method !== method) {
    response.setHeader('Allow', method);
    return answer(response, 405);
  }
  if (method === 'POST') return await api(exchange);
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': status.length }).end(status);
}

/** A page of another site that a browser on this machine has open must not reach the device by a name of its own (DNS rebinding). */
function isAllowedHost(host: string | undefined): boolean {
  return host !== undefined && HOSTS.includes(host.replace(/:\d+$/, '').toLowerCase());
}

async function api({ device, request, response }: Exchange): Promise<void> {
  // Go's server takes a chunked body for one of length -1.
  const length = Number(request.headers['content-length'] ?? -1);
  if (!Number.isInteger(length) || length < SHORTEST_MESSAGE || length > LONGEST_MESSAGE) return answer(response, 400);
  const message = await bodyOf(request);
  try {
    const reply = await device.exchange(message);
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': reply.length }).end(reply);
  } catch (error) {
    if (!(error instanceof DroppedReply)) throw error;
    request.socket.destroy();
  }
}

/** Node ends the body at Content-Length. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

function answer(response: ServerResponse, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' }).end();
}
