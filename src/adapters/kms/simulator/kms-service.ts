/**
 * The simulated AWS KMS of one account and region: HTTP requests in, HTTP responses out, as the real endpoint (AWS JSON 1.1). What it
 * leaves out stands in docs/kms-simulator.md.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { meetDeadlines } from './deadlines.ts';
import { type KmsFault, KmsFaultChooser, type KmsFaultPlan } from './faults.ts';
import { DroppedConnection, type HttpRequest, type HttpResponse } from './http-exchange.ts';
import { iamArn, type Place } from './key-record.ts';
import { KeyStore } from './key-store.ts';
import type { Operation, OperationContext } from './operation.ts';
import { NOT_SIMULATED, OPERATIONS } from './operations/operations.ts';
import { RequestQuotas, throttle } from './request-quotas.ts';
import { jsonResponse, refuse, ServiceError } from './service-error.ts';
import { EXAMPLE_CREDENTIALS, requireSignature } from './signature-v4.ts';
import { Staleness } from './staleness.ts';
import { WrappingKeys } from './wrapping-keys.ts';

export { DroppedConnection, type HttpRequest, type HttpResponse } from './http-exchange.ts';

export type SignatureMode = 'off' | 'format' | 'full';

export interface KmsServiceOptions {
  /** Where keys are kept; null: in memory, gone on close. */
  readonly stateDir: string | null;
  /** Twelve digits; default DEFAULT_ACCOUNT. */
  readonly account?: string;
  readonly region: string;
  /** `off`: not looked at · `format`: there and well-formed · `full`: verified, with 15 minutes of clock skew. */
  readonly signatures: SignatureMode;
  /** Access key id → secret access key, for `full`; default EXAMPLE_CREDENTIALS. */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly faults?: KmsFaultPlan;
  /** `enforce`: answers ThrottlingException above `quotas`; default `ignore`. */
  readonly rates?: 'ignore' | 'enforce';
  /** Requests per second by operation, over DEFAULT_QUOTAS. */
  readonly quotas?: Readonly<Record<string, number>>;
  /** Milliseconds since the epoch; default the machine's. */
  readonly clock?: () => number;
  /**
   * At most so many wrapping keys of each size, used in turn by GetParametersForImport: for tests and demos. Absent: every call gets a key
   * of its own, as from the real service.
   */
  readonly poolSize?: number;
  /** Private keys (PEM, PKCS#8) that GetParametersForImport uses in turn, where their size is asked for: for tests. */
  readonly wrappingKeys?: readonly string[];
  /** `strict` (default): only the newest token of a key, once. `lenient`: any token until it expires, again and again. */
  readonly tokens?: 'strict' | 'lenient';
}

/** The account that AWS's documentation uses. */
export const DEFAULT_ACCOUNT = '123456789012';

export interface KmsService {
  readonly account: string;
  readonly region: string;
  /**
   * Rejects with DroppedConnection where a fault says so, and with KeyferryError (`disk-full`, `device-busy`) where the state folder cannot
   * be written; every other mishap is a response.
   */
  respond(request: HttpRequest): Promise<HttpResponse>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Rejects with KeyferryError `simulator-state`, `state-unsafe`, `state-unwritable`, `device-busy`. */
export async function openKmsService(options: KmsServiceOptions): Promise<KmsService> {
  return new SimulatedKms(options);
}

const TARGET_PREFIX = 'TrentService.';
const DEFAULT_DELAY_MS = 10;
/** Requests are some kilobytes at most. */
const MAX_BODY_BYTES = 1 << 20;

class SimulatedKms implements KmsService {
  readonly account: string;
  readonly region: string;
  readonly #options: KmsServiceOptions;
  readonly #place: Place;
  readonly #store: KeyStore;
  readonly #wrappingKeys: WrappingKeys;
  readonly #faults: KmsFaultChooser;
  readonly #quotas: RequestQuotas;
  readonly #staleness = new Staleness();
  readonly #clock: () => number;
  #isClosed = false;

  constructor(options: KmsServiceOptions) {
    this.#options = options;
    this.account = options.account ?? DEFAULT_ACCOUNT;
    this.region = options.region;
    this.#place = { account: this.account, region: this.region };
    this.#store = new KeyStore(options.stateDir, this.#place);
    this.#wrappingKeys = new WrappingKeys({ poolSize: options.poolSize, given: options.wrappingKeys ?? [] });
    this.#faults = new KmsFaultChooser(options.faults ?? { faults: [] });
    this.#quotas = new RequestQuotas(options.quotas ?? {});
    this.#clock = options.clock ?? Date.now;
  }

  async respond(request: HttpRequest): Promise<HttpResponse> {
    const requestId = randomUUID();
    try {
      return jsonResponse(200, requestId, await this.#answer(request));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return jsonResponse(error.status, requestId, error.body);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#wrappingKeys.close();
    this.#store.close();
  }

  async #answer(request: HttpRequest): Promise<Readonly<Record<string, unknown>> | null> {
    const { name, operation, body } = readRequest(request);
    const nowMs = this.#clock();
    const { signatures: mode, credentials = EXAMPLE_CREDENTIALS } = this.#options;
    requireSignature(request, { mode, region: this.region, credentials, nowMs });
    const faults = this.#faults.choose(name);
    if (faults.some(({ kind }) => kind === 'drop-before')) throw new DroppedConnection();
    this.#refusePlanned(name, faults);
    if (this.#options.rates === 'enforce') this.#quotas.take(name, nowMs);
    this.#store.refresh();
    meetDeadlines(this.#store, nowMs);
    const output = await operation.run(this.#context(operation, faults, nowMs), body);
    for (const { kind, ms } of faults) if (kind === 'delay') await sleep(ms ?? DEFAULT_DELAY_MS);
    if (faults.some(({ kind }) => kind === 'lose-reply')) throw new DroppedConnection();
    return output;
  }

  #refusePlanned(operation: string, faults: readonly KmsFault[]): void {
    for (const { kind } of faults) {
      if (kind === 'throttle') throttle();
      if (kind === 'internal-error') refuse('KMSInternalException');
      if (kind === 'access-denied')
        refuse('AccessDeniedException', `User: ${this.#callerArn} is not authorized to perform: kms:${operation}`);
    }
  }

  get #callerArn(): string {
    return iamArn(this.#place, 'user/keyferry');
  }

  #context(operation: Operation, faults: readonly KmsFault[], nowMs: number): OperationContext {
    const store = this.#store;
    const stale = faults.find(({ kind }) => kind === 'stale');
    return {
      place: this.#place,
      callerArn: this.#callerArn,
      nowMs,
      view: operation.isRead ? this.#staleness.view(store, nowMs) : store,
      secret: store.secret,
      wrappingKeys: this.#wrappingKeys,
      areTokensLenient: this.#options.tokens === 'lenient',
      change: (act) =>
        store.change(() => {
          const change = act(store);
          if (stale !== undefined) {
            const rule = { reads: stale.reads ?? 1, ms: stale.ms ?? 0, isFlipping: stale.isFlipping === true };
            this.#staleness.hide(change.entries, store, { rule, nowMs });
          }
          return change;
        }),
    };
  }
}

interface ReadRequest {
  readonly name: string;
  readonly operation: Operation;
  readonly body: unknown;
}

/** Throws ServiceError `UnknownOperationException`, `UnsupportedOperationException`, `SerializationException`. */
function readRequest({ method, path, headers, body }: HttpRequest): ReadRequest {
  const target = headers['x-amz-target'] ?? '';
  const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : '';
  if (NOT_SIMULATED.has(name)) refuse('UnsupportedOperationException', `${name} is not simulated.`);
  const operation = OPERATIONS.get(name);
  const isOurs = method === 'POST' && path === '/' && isJson(headers['content-type']);
  if (operation === undefined || !isOurs) return refuse('UnknownOperationException');
  if (body.length > MAX_BODY_BYTES) return refuse('SerializationException');
  try {
    // An empty body stands for no input.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { name, operation, body: text === '' ? {} : JSON.parse(text) };
  } catch {
    return refuse('SerializationException');
  }
}

const isJson = (contentType: string | undefined): boolean =>
  /^application\/(x-amz-json-1\.1|json)\s*(;|$)/i.test(contentType ?? '');
