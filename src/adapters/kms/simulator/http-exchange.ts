/** One HTTP/1.1 exchange as data: what the SDK's in-process request handler and the server on the loopback port hand to the service. */

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A planned fault: the connection ends without an answer. Whether the call was carried out, the caller cannot tell. */
export class DroppedConnection extends Error {
  /** As a socket's error says it, so that clients treat it as one. */
  readonly code = 'ECONNRESET';

  constructor() {
    super('the simulated service dropped the connection');
    this.name = 'DroppedConnection';
  }
}
