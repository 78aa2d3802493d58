/**
 * The engine's side of the thread that commits (commit-worker.ts). One group at a time; the thread keeps the process alive only while
 * it works. A thread that dies leaves the group it had unknown, so it ends the journal.
 */
import { Worker } from 'node:worker_threads';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { GroupEffect, RowGroup } from './commit-group.ts';
import type { CommitWorkerData, FromCommitWorker, ToCommitWorker } from './commit-worker.ts';

/** Any time will do: the timer is there to be waited for. */
const HOLD_MS = 1_000;

interface Waiting {
  resolve(effect: GroupEffect): void;
  reject(error: unknown): void;
}

function startThread(workerData: CommitWorkerData): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./commit-worker.js', import.meta.url), { workerData });
  // Tests run from source, which Node 20 does not load; its worker threads do not take `--import tsx` either.
  const source = JSON.stringify(new URL('./commit-worker.ts', import.meta.url).href);
  const program = `import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); });`;
  return new Worker(program, { eval: true, workerData });
}

export class CommitThread {
  readonly #thread: Worker;
  readonly #run: string;
  readonly #ended: Promise<void>;
  #waiting: Waiting | null = null;
  #death: KeyferryError | null = null;

  private constructor(thread: Worker, run: string) {
    this.#thread = thread;
    this.#run = run;
    this.#ended = new Promise((resolve) => {
      thread.once('exit', () => {
        this.#die(undefined);
        resolve();
      });
    });
    thread.on('error', (error) => this.#die(error));
    thread.on('message', (message: FromCommitWorker) => this.#receive(message));
  }

  /** Null when it could not start: then the journal goes on being written in the engine's thread. */
  static start(data: CommitWorkerData): Promise<CommitThread | null> {
    const thread = startThread(data);
    const handle = new CommitThread(thread, data.run);
    return new Promise((resolve) => {
      thread.once('message', () => {
        // Until then it keeps the process alive: a journal that is closed waits for its thread.
        thread.unref();
        resolve(handle);
      });
      thread.once('exit', () => resolve(null));
    });
  }

  /** Resolves when the group is durable; rejects when none of it was written, or when nobody knows. */
  commit(group: RowGroup): Promise<GroupEffect> {
    return new Promise((resolve, reject) => {
      if (this.#death !== null) {
        reject(this.#death);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#thread.ref();
      const message: ToCommitWorker = { kind: 'commit', group };
      this.#thread.postMessage(message);
    });
  }

  async close(): Promise<void> {
    if (this.#death !== null) return;
    const message: ToCommitWorker = { kind: 'close' };
    this.#thread.postMessage(message);
    // A timer, not ref(): under load, Node 20 now and then lets the process end (exit code 13) before such a thread has ended.
    const hold = setInterval(() => undefined, HOLD_MS);
    try {
      await this.#ended;
    } finally {
      clearInterval(hold);
    }
  }

  #receive(message: FromCommitWorker): void {
    const waiting = this.#waiting;
    if (message.kind === 'ready' || waiting === null) return;
    this.#waiting = null;
    this.#thread.unref();
    if (message.kind === 'committed') waiting.resolve(message.effect);
    else if (message.record !== null) waiting.reject(KeyferryError.fromRecord(message.record));
    else waiting.reject(new Error(`in the journal's thread: ${message.message}`));
  }

  #die(cause: unknown): void {
    this.#death ??= new KeyferryError(
      'state-unwritable',
      `The journal of run ${this.#run} lost the thread that writes it.`,
      {
        hint: 'Resume the run: what the journal does not know is asked of the devices.',
        cause,
      },
    );
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(this.#death);
  }
}
