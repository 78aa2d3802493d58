/**
 * The simulated devices that `keyferry simulator serve` puts on a loopback port, by name. Help lists them, so the simulators themselves are
 * loaded when one is served.
 */

export interface ServeRequest {
  /** 0: a free one. */
  readonly port: number;
  /** null: in memory, gone when it ends. */
  readonly stateDir: string | null;
  /** The options that this simulator takes, as they were written; absent where they were not. */
  readonly options: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Served {
  /** What the one line of JSON says: `url`, and what a client must know beside it. */
  readonly facts: Readonly<Record<string, unknown>> & { readonly url: string };
  /** For people, on stderr. */
  readonly note: string;
  /** May be called twice. */
  close(): Promise<void>;
}

export interface ServedSimulator {
  readonly summary: string;
  /** The options of the command that this simulator takes beside port and state. */
  readonly takes: readonly string[];
  /** Rejects with `usage`, `simulator-state`, `state-unsafe` and the like. */
  serve(request: ServeRequest): Promise<Served>;
}

export const SERVED_SIMULATORS: Readonly<Record<string, ServedSimulator>> = {
  kms: {
    summary: 'AWS KMS, for the aws program and SDKs: pass the URL as the endpoint',
    takes: ['region', 'signatures'],
    serve: async (request) => (await import('./serve-kms.ts')).serveSimulatedKms(request),
  },
  yubihsm: {
    summary: "a YubiHSM 2 behind Yubico's connector, for yubihsm-shell and libyubihsm: pass the URL as the connector",
    takes: ['firmware'],
    serve: async (request) => (await import('./serve-yubihsm.ts')).serveSimulatedYubiHsm(request),
  },
};
