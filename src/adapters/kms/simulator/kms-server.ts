/**
 * The simulated AWS KMS on a loopback port, for clients with sockets: the aws program, SDKs in other processes. HTTP/1.1 without TLS.
 * Requests that are no calls of the service are answered and do it no harm: wrong methods, endless bodies, clients that never finish.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { DroppedConnection, type HttpRequest, type HttpResponse } from './http-exchange.ts';
import type { KmsService } from './kms-service.ts';
import { jsonResponse } from './service-error.ts';

const LOOPBACK = '127.0.0.1';
const MAX_BODY_BYTES = 1 << 20;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 1_000;

export interface KmsServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Ends connections too. The service stays open. May be called twice. */
  close(): Promise<void>;
}

export interface KmsServerOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Longest wait for a request's headers, and for all of it; for tests. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/** Rejects with KeyferryError `usage` when the port cannot be had. */
export async function serveKms(service: KmsService, options: KmsServerOptions): Promise<KmsServer> {
  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 500,
    },
    (incoming, outgoing) => void exchange(service, incoming, outgoing),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return { url: `http://${LOOPBACK}:${port}`, close: () => close(server) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : (cause.code ?? 'unknown reason');
      const hint = 'Choose another with --port, or leave it out to get a free one.';
      reject(new KeyferryError('usage', `Port ${port} cannot be listened on: ${why}.`, { cause, hint }));
    });
    server.listen(port, LOOPBACK, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function exchange(service: KmsService, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    const body = await readBody(incoming);
    if (body === null) {
      // What the client has left to send is not waited for.
      outgoing.once('finish', () => incoming.destroy());
      return send(outgoing, refusal(413, 'The request is too large.', { connection: 'close' }));
    }
    if (incoming.method !== 'POST') return send(outgoing, refusal(405, 'Only POST is taken.', { allow: 'POST' }));
    send(outgoing, await service.respond(requestOf(incoming, body)));
  } catch (error) {
    if (error instanceof DroppedConnection || incoming.destroyed || outgoing.destroyed) outgoing.destroy();
    else send(outgoing, jsonResponse(500, randomUUID(), { __type: 'KMSInternalException' }));
  }
}

/** null: larger than any call is. Rejects when the client goes away. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of incoming.iterator({ destroyOnReturn: false })) {
    length += (part as Buffer).length;
    if (length > MAX_BODY_BYTES) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

function requestOf(incoming: IncomingMessage, body: Buffer): HttpRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  return { method: incoming.method ?? '', path: incoming.url ?? '', headers, body };
}

function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  const response = jsonResponse(status, randomUUID(), { message });
  return { ...response, headers: { ...response.headers, ...headers } };
}

function send(outgoing: ServerResponse, response: HttpResponse): void {
  outgoing.writeHead(response.status, response.headers);
  outgoing.end(response.body);
}
