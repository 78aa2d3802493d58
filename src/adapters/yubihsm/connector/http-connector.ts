/**
 * Yubico's connector over HTTP or HTTPS: `GET /connector/status`, `POST /connector/api`. Every request bears a Content-Length, because the
 * connector refuses chunks; every reply is bounded in length and time.
 */
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { LARGE_MESSAGE_BYTES } from '../wire/frame.ts';
import {
  type Connector,
  ConnectorFailure,
  type ConnectorStatus,
  parseConnectorStatus,
  type SendOptions,
} from './connector.ts';
import { failureOfStatus, failureOfTransport } from './http-failures.ts';

export interface HttpConnectorOptions {
  /** `http://127.0.0.1:12345`: scheme, host and port; a path before `/connector` is kept. */
  readonly url: string;
  /** How long one reply may take. Default 30 seconds; slow commands bring their own. */
  readonly timeoutMs?: number;
  /** PEM of the authority that signed the connector's certificate; absent: the system's own list. */
  readonly ca?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** Idle connections are given up before a server does: one that closes meanwhile would leave the next command's fate open. */
const IDLE_SOCKET_MS = 2_000;
/** What Yubico's connector takes as a request is 3 bytes more than the longest message; replies get the same margin. */
const MAX_REPLY_BYTES = LARGE_MESSAGE_BYTES + 3;
const MAX_STATUS_BYTES = 4_096;

interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly limitBytes: number;
  readonly timeoutMs: number;
}

export class HttpConnector implements Connector {
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  /** Throws ConnectorFailure for what is no URL of a connector. */
  constructor(options: HttpConnectorOptions) {
    this.#url = connectorUrl(options.url);
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const agentOptions = { keepAlive: true, timeout: IDLE_SOCKET_MS, scheduling: 'lifo' as const };
    this.#agent =
      this.#url.protocol === 'https:'
        ? new TlsAgent({ ...agentOptions, ...(options.ca === undefined ? {} : { ca: options.ca }) })
        : new Agent(agentOptions);
  }

  async status(): Promise<ConnectorStatus> {
    const body = await this.#exchange({
      method: 'GET',
      path: 'connector/status',
      body: null,
      headers: {},
      limitBytes: MAX_STATUS_BYTES,
      timeoutMs: this.#timeoutMs,
    });
    const status = parseConnectorStatus(Buffer.from(body).toString('latin1'));
    if (status !== null) return status;
    throw new ConnectorFailure(`what answers at ${this.#url.href} is not a YubiHSM connector`, {
      code: 'device-unreachable',
      wasSent: false,
      hint: 'Correct the url of the device; the connector listens on port 12345 unless it was told otherwise.',
    });
  }

  send(message: Uint8Array, options: SendOptions = {}): Promise<Uint8Array> {
    const tag = options.sessionTag;
    return this.#exchange({
      method: 'POST',
      path: 'connector/api',
      body: message,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(message.length),
        ...(tag === undefined ? {} : { 'yubihsm-session': tag }),
      },
      limitBytes: MAX_REPLY_BYTES,
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #exchange(exchange: Exchange): Promise<Uint8Array> {
    const first = await this.#attempt(exchange, this.#agent);
    if (!('staleSocket' in first)) return first.body;
    // A kept connection was closed under the request. The same bytes may go again: if the device had them after all, its MAC chain has
    // moved on and refuses the copy, so nothing is done twice.
    const second = await this.#attempt(exchange, false);
    if ('staleSocket' in second) throw second.staleSocket;
    return second.body;
  }

  #attempt(
    exchange: Exchange,
    agent: Agent | false,
  ): Promise<{ readonly body: Uint8Array } | { readonly staleSocket: ConnectorFailure }> {
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === 'https:' ? requestHttps : requestHttp;
      const request: ClientRequest = send(new URL(exchange.path, this.#url), {
        method: exchange.method,
        headers: exchange.headers,
        agent,
        signal: AbortSignal.timeout(exchange.timeoutMs),
      });
      request.once('error', (error) => {
        const failure = failureOfTransport(error, this.#url, { timeoutMs: exchange.timeoutMs });
        if (request.reusedSocket && isReset(error)) resolve({ staleSocket: failure });
        else reject(failure);
      });
      request.once('response', (response) => {
        readBody(response, exchange.limitBytes, this.#url)
          .then((body) => {
            const refusal = failureOfStatus(response.statusCode ?? 0, body, this.#url);
            if (refusal === null) resolve({ body });
            else reject(refusal);
          })
          .catch((error: unknown) => {
            reject(failureOfTransport(error, this.#url, { timeoutMs: exchange.timeoutMs, wasSent: true }));
          });
      });
      if (exchange.body === null) request.end();
      else request.end(exchange.body);
    });
  }
}

function connectorUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new ConnectorFailure('its url is not one of a connector', {
      code: 'devices-invalid',
      wasSent: false,
      hint: 'Write it as http://HOST:PORT, for one http://127.0.0.1:12345',
    });
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

const isReset = (error: Error): boolean =>
  'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE') && error.name !== 'AbortError';

async function readBody(response: IncomingMessage, limitBytes: number, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > limitBytes) {
      response.destroy();
      throw new ConnectorFailure(`the answer from ${url.href} is longer than any the device gives`, {
        code: 'reply-malformed',
        wasSent: true,
      });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
