/**
 * A Device whose module runs in a process of its own. When that process is lost, every call under way is rejected; the next call that
 * only reads opens a new process, once, and calls that change wait for that: they are refused until then.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRecord } from '../../../keys/key-record.ts';
import type { Secret } from '../../../keys/secret.ts';
import type { Device, DeviceDescription, InventoryQuery } from '../../adapter.ts';
import { PKCS11_ACTION_SPECS } from '../actions/actions.ts';
import { fromWire, toWire } from './clear-key-wire.ts';
import { HostProcess, type HostProcessOptions } from './host-process.ts';
import { endOrphanedHosts } from './host-register.ts';
import type { HostedMethod, HostSetup, InventoryBatch } from './messages.ts';

export interface HostedDeviceOptions extends HostSetup {
  /** Asked at most once; a host that is opened again gets the same value. */
  readonly pin: () => Promise<Secret>;
  /** A call without an answer for so long ends the process. Default 120 s. */
  readonly callTimeoutMs?: number;
  /** The same for opening, the time that the PIN takes not counted. Default: `callTimeoutMs`. */
  readonly openTimeoutMs?: number;
  /** Actions that change nothing on the device, so that their loss leaves nothing to settle. Default: what the actions declare. */
  readonly readActions?: readonly string[];
  /** The host's program; tests have their own. */
  readonly program?: URL;
}

const READ_ACTIONS = Object.values(PKCS11_ACTION_SPECS)
  .filter(({ effect }) => effect === 'read')
  .map(({ name }) => name);

const CALL_TIMEOUT_MS = 120_000;

/** Opens the device in a new process. Rejects with KeyferryError: `module-not-loaded`, `driver-missing`, `token-not-found`, login errors. */
export async function openHostedDevice(options: HostedDeviceOptions): Promise<Device> {
  const device = new HostedDevice(options);
  await device.open();
  return device;
}

class HostedDevice implements Device {
  readonly #options: HostedDeviceOptions;
  readonly #readActions: ReadonlySet<string>;
  #host: HostProcess | undefined;
  #reopening: Promise<HostProcess> | undefined;
  #pin: Promise<Secret> | undefined;
  #serial: string | undefined;
  #isClosed = false;

  constructor(options: HostedDeviceOptions) {
    this.#options = options;
    this.#readActions = new Set(options.readActions ?? READ_ACTIONS);
  }

  async open(): Promise<void> {
    await endOrphanedHosts(this.#options.home, this.#options.name);
    this.#host = await HostProcess.start(this.#hostOptions(this.#options.retryPin));
  }

  async describe(): Promise<DeviceDescription> {
    const description = (await this.#read('describe', [])) as DeviceDescription;
    this.#serial ??= description.serial;
    return description;
  }

  async *inventory(query: InventoryQuery): AsyncIterable<readonly KeyRecord[]> {
    const host = await this.#forReading();
    const stream = (await host.request({ kind: 'inventory', query }, 'inventory', false)) as number;
    let isDone = false;
    try {
      for (;;) {
        const { records } = (await host.request({ kind: 'next', stream }, 'inventory', false)) as InventoryBatch;
        if (records === null) {
          isDone = true;
          return;
        }
        yield records;
      }
    } finally {
      if (!isDone) host.notify({ kind: 'stop', stream });
    }
  }

  preview: Device['preview'] = (...args) => this.#read('preview', args) as ReturnType<Device['preview']>;
  expect: Device['expect'] = (...args) => this.#read('expect', args.map(toWire)) as ReturnType<Device['expect']>;
  reconcile: Device['reconcile'] = (...args) =>
    this.#read('reconcile', args.map(toWire)) as ReturnType<Device['reconcile']>;
  fingerprint: Device['fingerprint'] = (...args) =>
    this.#read('fingerprint', args) as ReturnType<Device['fingerprint']>;
  challenge: Device['challenge'] = (...args) => this.#read('challenge', args) as ReturnType<Device['challenge']>;
  answer: Device['answer'] = (...args) => this.#read('answer', args) as ReturnType<Device['answer']>;
  read: Device['read'] = (...args) => this.#read('read', args) as ReturnType<Device['read']>;
  publicKey: Device['publicKey'] = (...args) => this.#read('publicKey', args) as ReturnType<Device['publicKey']>;

  perform: Device['perform'] = (call) => {
    const wired = toWire(call);
    if (this.#readActions.has(call.action))
      return this.#read('perform', [wired], call.action).then(fromWire) as ReturnType<Device['perform']>;
    const host = this.#host;
    if (host === undefined || this.#isClosed) return Promise.reject(this.#closedError());
    return host.request({ kind: 'call', method: 'perform', args: [wired] }, call.action, true) as ReturnType<
      Device['perform']
    >;
  };

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reopening?.catch(() => undefined);
    await this.#host?.close();
  }

  async #read(method: HostedMethod, args: readonly unknown[], what: string = method): Promise<unknown> {
    // No await while the host lives: calls keep the order they were made in.
    const host = this.#live() ?? (await this.#forReading());
    return host.request({ kind: 'call', method, args }, what, false);
  }

  #live(): HostProcess | undefined {
    return this.#isClosed || this.#host?.loss !== undefined ? undefined : this.#host;
  }

  async #forReading(): Promise<HostProcess> {
    const live = this.#live();
    if (live !== undefined) return live;
    if (this.#isClosed) throw this.#closedError();
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async #reopen(): Promise<HostProcess> {
    // Beside a process that could not be ended none may be opened: what it was doing may still reach the device.
    if (this.#host?.isGone === false) throw this.#host.lostError('opening', 'not-applied');
    await endOrphanedHosts(this.#options.home, this.#options.name);
    // --retry-pin was for the first login; a second login with the same PIN asks the memory like any other.
    const host = await HostProcess.start(this.#hostOptions(false));
    const request = { kind: 'call', method: 'describe', args: [] } as const;
    const { serial } = (await host.request(request, 'describe', false)) as DeviceDescription;
    if (this.#serial !== undefined && serial !== this.#serial) {
      await host.close();
      const message = `Device ${this.#options.name}: serial ${serial} answers where ${this.#serial} was before it was lost`;
      throw new KeyferryError('device-lost', message, { device: this.#options.name });
    }
    this.#host = host;
    return host;
  }

  #hostOptions(retryPin: boolean): HostProcessOptions {
    const {
      pin,
      readActions: _,
      program,
      callTimeoutMs = CALL_TIMEOUT_MS,
      openTimeoutMs = callTimeoutMs,
      ...setup
    } = this.#options;
    return {
      setup: { ...setup, retryPin },
      callTimeoutMs,
      openTimeoutMs,
      pin: () => {
        this.#pin ??= pin();
        return this.#pin;
      },
      ...(program === undefined ? {} : { program }),
    };
  }

  #closedError(): KeyferryError {
    const { name } = this.#options;
    return new KeyferryError('device-lost', `Device ${name} was closed`, { device: name, outcome: 'not-applied' });
  }
}
