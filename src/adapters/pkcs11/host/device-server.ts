/** The host's side of the messages: opens one device and carries out the calls that come in. Knows nothing of processes. */
import type { KeyRecord } from '../../../keys/key-record.ts';
import { Secret } from '../../../keys/secret.ts';
import type { Device, InventoryQuery } from '../../adapter.ts';
import { fromWire, toWire, wipeArguments } from './clear-key-wire.ts';
import {
  type FromHost,
  fromFailure,
  type HostedMethod,
  type HostSetup,
  type InventoryBatch,
  type ToHost,
  toFailure,
} from './messages.ts';

export type OpenDevice = (setup: HostSetup, pin: () => Promise<Secret>) => Promise<Device>;

export class DeviceServer {
  readonly #open: OpenDevice;
  readonly #send: (message: FromHost) => void;
  readonly #ended: () => void;
  readonly #streams = new Map<number, AsyncIterator<readonly KeyRecord[]>>();
  #device: Device | undefined;
  #secret: { resolve(secret: Secret): void; reject(error: Error): void } | undefined;

  /** `ended` is called once, after a `close` has been carried out. */
  constructor(open: OpenDevice, send: (message: FromHost) => void, ended: () => void) {
    this.#open = open;
    this.#send = send;
    this.#ended = ended;
  }

  receive(message: ToHost): void {
    switch (message.kind) {
      case 'open':
        void this.#start(message.setup);
        return;
      case 'secret':
        this.#secret?.resolve(new Secret(message.value));
        return;
      case 'no-secret':
        this.#secret?.reject(fromFailure(message.failure));
        return;
      case 'call':
        void this.#answer(message.id, () => this.#call(message.method, message.args));
        return;
      case 'inventory':
        void this.#answer(message.id, async () => this.#stream(message.id, message.query));
        return;
      case 'next':
        void this.#answer(message.id, () => this.#next(message.stream));
        return;
      case 'stop':
        void this.#stop(message.stream);
        return;
      case 'close':
        void this.#close();
    }
  }

  async #start(setup: HostSetup): Promise<void> {
    try {
      this.#device = await this.#open(setup, () => this.#askForSecret());
      this.#send({ kind: 'opened' });
    } catch (error) {
      this.#send({ kind: 'not-opened', failure: toFailure(error) });
    }
  }

  #askForSecret(): Promise<Secret> {
    return new Promise((resolve, reject) => {
      this.#secret = { resolve, reject };
      this.#send({ kind: 'secret-wanted' });
    });
  }

  async #answer(id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      this.#send({ kind: 'answer', id, value: await work() });
    } catch (error) {
      this.#send({ kind: 'failure', id, failure: toFailure(error) });
    }
  }

  #opened(): Device {
    if (this.#device === undefined) throw new Error('a call came before the device was open');
    return this.#device;
  }

  async #call(method: HostedMethod, wired: readonly unknown[]): Promise<unknown> {
    const device = this.#opened();
    // The parent's types checked the arguments; this is where they come out of the pipe.
    const run = device[method] as (...args: unknown[]) => Promise<unknown>;
    const args = wired.map(fromWire);
    try {
      return toWire(await run.apply(device, args));
    } finally {
      for (const arg of args) wipeArguments(arg);
    }
  }

  #stream(id: number, query: InventoryQuery): number {
    this.#streams.set(id, this.#opened().inventory(query)[Symbol.asyncIterator]());
    return id;
  }

  async #next(stream: number): Promise<InventoryBatch> {
    const result = await this.#streams.get(stream)?.next();
    if (result !== undefined && result.done !== true) return { records: result.value };
    this.#streams.delete(stream);
    return { records: null };
  }

  async #stop(stream: number): Promise<void> {
    const iterator = this.#streams.get(stream);
    this.#streams.delete(stream);
    await iterator?.return?.();
  }

  /** Politeness only: whatever fails here ends with the process. */
  async #close(): Promise<void> {
    try {
      await this.#device?.close();
    } finally {
      this.#ended();
    }
  }
}
