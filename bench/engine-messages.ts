/** What the benchmark and the process that runs the engine for it say to each other. */
export interface EngineRequest {
  readonly keys: number;
  /** Made by the caller; devices file, tokens and journal live in it. */
  readonly dir: string;
  /**
   * `simulated`: in the engine's process, as the command line does. `hosted`: simulated, each in a process of its own, so that the
   * engine's memory is seen without the devices' keys. `softhsm`: the pkcs11 driver over two SoftHSM tokens.
   */
  readonly devices: 'simulated' | 'hosted' | 'softhsm';
}

export interface EngineReply {
  readonly planSeconds: number;
  /** From the first line of the journal to the end of `finally`. */
  readonly runSeconds: number;
  readonly migrated: number;
  /** CPU of the engine's process while planning and running, all its threads. */
  readonly cpuSeconds: number;
  /** CPU of the engine's own thread alone; null where the system does not say. */
  readonly mainThread: { readonly planSeconds: number | null; readonly runSeconds: number | null };
  readonly peakRssMb: number;
  /** Heap and external memory in use, after garbage collection, at the end of the run. */
  readonly retainedMb: number;
}

export type EngineMessage =
  | { readonly kind: 'done'; readonly reply: EngineReply }
  | { readonly kind: 'failed'; readonly message: string };
