/**
 * The port to a YubiHSM connector: one message in, one message out, as `POST /connector/api` of Yubico's connector has it. What the bytes mean
 * is not its business. A simulated device implements it in process.
 */
import type { ErrorCode } from '../../../errors/codes.ts';

export interface ConnectorStatus {
  /** `OK`; anything else means that the connector runs and cannot use a device. */
  readonly status: string;
  /** null: the connector is not pinned to one device (`*`). */
  readonly serial: string | null;
  readonly version: string;
}

export interface SendOptions {
  /** 16 hex digits that tell sessions apart in a connector's log; Yubico's own connector does not look at it. */
  readonly sessionTag?: string;
  /** How long the reply may take; absent: the connector's own limit. */
  readonly timeoutMs?: number;
}

/** Every method rejects with ConnectorFailure and nothing else. */
export interface Connector {
  status(): Promise<ConnectorStatus>;
  /** The reply's bytes, unread. Never sends a message twice where the device may have had it, unless the bytes protect themselves. */
  send(message: Uint8Array, options?: SendOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface FailureDetails {
  readonly code: ErrorCode;
  /** The device may have had the message. */
  readonly wasSent: boolean;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** No reply. The message says why, in words that follow the device's name. */
export class ConnectorFailure extends Error {
  override readonly name = 'ConnectorFailure';
  readonly code: ErrorCode;
  readonly wasSent: boolean;
  readonly hint: string | undefined;

  constructor(message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.wasSent = details.wasSent;
    this.hint = details.hint;
  }
}

/** `key=value` lines of `GET /connector/status`. null: not such a text. */
export function parseConnectorStatus(text: string): ConnectorStatus | null {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z]+)=(.*?)\r?$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const status = fields.get('status');
  if (status === undefined) return null;
  const serial = fields.get('serial');
  return {
    status,
    serial: serial === undefined || serial === '*' ? null : serial,
    version: fields.get('version') ?? '',
  };
}
