/**
 * The engine's side of one device host: forks it, sends calls, and turns its end into errors. A call is rejected only when the process is
 * gone, so nothing that it was doing can still reach the device.
 *
 * Measured (Node 20, two cores, a fake device that answers at once), per call: one after the other 90 µs, 8 at a time 17 µs, 64 at a time 8 µs.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type CallOutcome, KeyferryError } from '../../../errors/keyferry-error.ts';
import type { Secret } from '../../../keys/secret.ts';
import { registerHost, unregisterHost } from './host-register.ts';
import { LastLines } from './last-lines.ts';
import { type FromHost, fromFailure, type HostSetup, type ToHost, toFailure } from './messages.ts';
import { Outbox } from './outbox.ts';

export interface HostProcessOptions {
  readonly setup: HostSetup;
  readonly pin: () => Promise<Secret>;
  /** A call without an answer for so long ends the process. */
  readonly callTimeoutMs: number;
  /** The same for starting the process, loading the module and logging in, without the time that the PIN takes. */
  readonly openTimeoutMs: number;
  /** The host's program; tests have their own. */
  readonly program?: URL;
}

interface Pending {
  readonly what: string;
  readonly changes: boolean;
  readonly timeoutMs: number;
  /** performance.now() when it is overdue. */
  readonly deadline: number;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A call as it is sent; the id is added. */
export type HostRequest = ToHost extends infer M ? (M extends { readonly id: number } ? Omit<M, 'id'> : never) : never;

const CLOSE_WAIT_MS = 2_000;
/** How long a killed process may take to be gone: longer only when it is stuck inside the kernel. */
const KILL_WAIT_MS = 5_000;
/** After the exit, for what the process printed last to arrive. */
const LAST_WORDS_MS = 50;

const DEFAULT_PROGRAM = new URL(`./host-main${extname(import.meta.url)}`, import.meta.url);

export class HostProcess {
  readonly #options: HostProcessOptions;
  readonly #child: ChildProcess;
  readonly #outbox: Outbox<ToHost>;
  readonly #printed = new LastLines();
  readonly #pending = new Map<number, Pending>();
  readonly #gone: Promise<void>;
  #secret: Secret | undefined;
  #nextId = 1;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;
  #hung: Pending | undefined;
  #loss: string | undefined;
  #opening: { resolve(): void; reject(error: Error): void } | undefined;

  private constructor(options: HostProcessOptions) {
    this.#options = options;
    this.#child = forkHost(options);
    this.#printed.listen(this.#child.stdout);
    this.#printed.listen(this.#child.stderr);
    this.#outbox = new Outbox((batch) => this.#send(batch));
    this.#child.on('message', (batch: readonly FromHost[]) => {
      for (const message of batch) this.#receive(message);
    });
    // The channel can break before the exit is seen; nothing can be had from such a process.
    this.#child.on('disconnect', () => {
      if (!this.#isClosing) this.#child.kill('SIGKILL');
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once('error', (error) => void this.#end(`could not be started: ${error.message}`).then(resolve));
      this.#child.once('exit', (code, signal) => void this.#end(describeExit(code, signal)).then(resolve));
    });
  }

  /** Resolves when the device is open. Rejects with what the device, the login or the module said. */
  static async start(options: HostProcessOptions): Promise<HostProcess> {
    const host = new HostProcess(options);
    try {
      await host.#open();
      return host;
    } catch (error) {
      host.#child.kill('SIGKILL');
      await host.#gone;
      throw error;
    }
  }

  /** What became of the process, in words; undefined while it lives. */
  get loss(): string | undefined {
    return this.#loss;
  }

  /** The process has ended; a killed one that is stuck in the kernel is lost but not gone. */
  get isGone(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** `what` names the call in errors; `changes`: the device may have changed when no answer comes. */
  request(request: HostRequest, what: string, changes: boolean): Promise<unknown> {
    if (this.#loss !== undefined) return Promise.reject(this.lostError(what, 'not-applied'));
    const id = this.#nextId++;
    const timeoutMs = this.#options.callTimeoutMs;
    const deadline = performance.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { what, changes, timeoutMs, deadline, resolve, reject });
      this.#outbox.push({ ...request, id });
      this.#timer ??= setTimeout(() => this.#checkTimes(), this.#options.callTimeoutMs);
    });
  }

  notify(message: ToHost): void {
    if (this.#loss === undefined) this.#outbox.push(message);
  }

  /** Asks the device to log out and the process to end; after two seconds the process is killed. Never rejects. */
  async close(): Promise<void> {
    if (this.#loss === undefined && !this.#isClosing) {
      this.#isClosing = true;
      this.#outbox.push({ kind: 'close' });
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_WAIT_MS);
      await this.#gone;
      clearTimeout(timer);
    }
    await this.#gone;
  }

  async #open(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    if (this.#child.pid !== undefined) registerHost(this.#options.setup.home, this.#child.pid);
    this.#outbox.push({ kind: 'open', setup: this.#options.setup });
    this.#startOpenTimer();
    await opened;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #startOpenTimer(): void {
    clearTimeout(this.#timer);
    const overdue: Pending = {
      what: 'opening',
      changes: false,
      timeoutMs: this.#options.openTimeoutMs,
      deadline: 0,
      resolve: () => undefined,
      reject: () => undefined,
    };
    this.#timer = setTimeout(() => this.#kill(overdue), this.#options.openTimeoutMs);
  }

  #receive(message: FromHost): void {
    switch (message.kind) {
      case 'secret-wanted':
        void this.#giveSecret();
        return;
      case 'opened':
        this.#opening?.resolve();
        return;
      case 'not-opened':
        this.#opening?.reject(fromFailure(message.failure));
        return;
      case 'answer':
        this.#take(message.id)?.resolve(message.value);
        return;
      case 'failure':
        this.#take(message.id)?.reject(fromFailure(message.failure));
    }
  }

  async #giveSecret(): Promise<void> {
    // A person may be typing it: no clock runs meanwhile.
    clearTimeout(this.#timer);
    try {
      this.#secret = await this.#options.pin();
      this.#outbox.push({ kind: 'secret', value: this.#secret.reveal() });
    } catch (error) {
      this.#outbox.push({ kind: 'no-secret', failure: toFailure(error) });
    }
    this.#startOpenTimer();
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  /** Calls are in the order of their deadlines, so only the first can be the next overdue one. */
  #checkTimes(): void {
    this.#timer = undefined;
    const [first] = this.#pending.values();
    if (first === undefined) return;
    const left = first.deadline - performance.now();
    if (left <= 0) this.#kill(first);
    else this.#timer = setTimeout(() => this.#checkTimes(), left);
  }

  #kill(hung: Pending): void {
    this.#hung = hung;
    this.#child.kill('SIGKILL');
    this.#timer = setTimeout(() => void this.#end('was killed and is not gone'), KILL_WAIT_MS);
  }

  #send(batch: readonly ToHost[]): void {
    if (this.#loss !== undefined || !this.#child.connected) return;
    // A failed write is followed by the exit of the process, which settles every pending call.
    this.#child.send(batch as unknown as object[], () => undefined);
  }

  async #end(how: string): Promise<void> {
    if (this.#loss !== undefined) return;
    this.#loss = how;
    clearTimeout(this.#timer);
    await this.#lastWords();
    const { home } = this.#options.setup;
    // One that is not gone stays registered, so that no later run opens the device beside it.
    if (!this.isGone) this.#child.unref();
    else if (this.#child.pid !== undefined) unregisterHost(home, this.#child.pid);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#opening?.reject(this.lostError('opening', 'not-applied'));
    for (const call of pending) call.reject(this.lostError(call.what, call.changes ? 'unknown' : 'not-applied'));
  }

  #lastWords(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('close', resolve);
      setTimeout(resolve, LAST_WORDS_MS);
    });
  }

  /** For a call that is not sent any more. */
  lostError(what: string, outcome: CallOutcome): KeyferryError {
    const { name, modulePath } = this.#options.setup;
    const printed = this.#printed.toString(this.#secret);
    const fate = this.#hung === undefined ? (this.#loss ?? '') : this.#hungFate(this.#hung);
    const changed = outcome === 'unknown' ? '; the device may have changed' : '';
    const words = printed === '' ? '' : `. It printed last: ${printed}`;
    return new KeyferryError(
      this.#hung === undefined ? 'device-lost' : 'module-hung',
      `Device ${name}: the process of module ${modulePath} ${fate}, at: ${what}${changed}${words}`,
      { device: name, operation: what, outcome },
    );
  }

  #hungFate(hung: Pending): string {
    const ended = this.#child.signalCode === null ? 'could not be ended' : 'was ended';
    return `gave no answer to "${hung.what}" for ${hung.timeoutMs / 1000} s and ${ended}`;
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGSEGV' || signal === 'SIGABRT' || signal === 'SIGBUS') return `crashed (${signal})`;
  return signal === null ? `ended by itself (exit code ${code})` : `was ended (${signal})`;
}

/**
 * UV_THREADPOOL_SIZE counts from the first use of the pool, which is before the program's first line, so it must be in the environment;
 * env(1) adds it to the inherited one. The group of its own keeps the terminal's signals away from the module.
 */
function forkHost(options: HostProcessOptions): ChildProcess {
  const program = fileURLToPath(options.program ?? DEFAULT_PROGRAM);
  const threads = `UV_THREADPOOL_SIZE=${Math.max(4, options.setup.sessions)}`;
  const execArgv = [threads, process.execPath, ...(program.endsWith('.ts') ? ['--import', tsxUrl()] : [])];
  return fork(program, [String(process.pid)], {
    execPath: '/usr/bin/env',
    execArgv,
    serialization: 'advanced',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Node cannot run TypeScript of this kind by itself; in the package the program is JavaScript and this is never asked. */
const tsxUrl = (): string => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
