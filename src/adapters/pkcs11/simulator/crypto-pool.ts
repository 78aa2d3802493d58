/**
 * Spreads RSA private decryptions over worker threads and the calling thread: workers take batches, and the calling thread takes one of
 * what still waits when it has nothing else to do. A call that comes alone is done at once, in this thread: no worker is started for it.
 */
import type { KeyObject } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { DecryptBatch, DecryptJob, DecryptReply } from './crypto-worker.ts';
import { type RsaPadding, rsaDecrypt } from './rsa-private.ts';

/**
 * Jobs that one worker holds at most: some milliseconds of work. Waking a thread that sleeps costs up to 200 µs on a virtual machine,
 * so it must not run dry, and messages should be few.
 */
const DEPTH = 16;

/** A turn of the event loop that took no longer than this did nothing: this thread has time to help. */
const IDLE_TURN_MS = 0.05;

/** Any time will do: the timer is there to be waited for. */
const HOLD_MS = 1_000;

interface PendingJob {
  readonly id: number;
  readonly key: KeyObject;
  readonly padding: RsaPadding;
  readonly data: Uint8Array;
  readonly resolve: (payload: Uint8Array | null) => void;
}

interface PoolWorker {
  readonly thread: Worker;
  readonly keys: Set<number>;
  readonly jobs: Map<number, PendingJob>;
  /** It has sent its first message: it can do more than wait. */
  isReady: boolean;
}

function startThread(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./crypto-worker.js', import.meta.url));
  // Tests run from source, which Node 20 does not load; its worker threads do not take `--import tsx` either.
  const source = JSON.stringify(new URL('./crypto-worker.ts', import.meta.url).href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); });`, {
    eval: true,
  });
}

export class CryptoPool {
  readonly #size: number;
  readonly #workers = new Set<PoolWorker>();
  readonly #waiting: PendingJob[] = [];
  readonly #keyIds = new WeakMap<KeyObject, number>();
  #nextId = 1;
  #isScheduled = false;
  #turnEndedMs = Number.NEGATIVE_INFINITY;
  /** Workers are not started again after one died: the pool falls back to this thread. */
  #hasFailed = false;
  #isClosed = false;
  #doneByWorkers = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** The payload, or null when the ciphertext does not open. */
  decrypt(key: KeyObject, padding: RsaPadding, data: Uint8Array): Promise<Uint8Array | null> {
    if (this.#size === 0 || this.#isClosed) return Promise.resolve(rsaDecrypt(key, padding, data));
    return new Promise((resolve) => {
      this.#nextId += 1;
      this.#waiting.push({ id: this.#nextId, key, padding, data, resolve });
      this.#schedule();
    });
  }

  /** Decryptions that worker threads answered: 0 as long as they start up, or when they cannot. */
  get doneByWorkers(): number {
    return this.#doneByWorkers;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#workers].map((worker) => this.#retire(worker)));
  }

  /** At the end of this turn of the event loop, so that all that came in it travel together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const isIdle = performance.now() - this.#turnEndedMs <= IDLE_TURN_MS;
      this.#dispatch();
      if (isIdle || !this.#hasWorker()) this.#help();
      if (this.#waiting.length > 0) this.#schedule();
      this.#turnEndedMs = performance.now();
    });
  }

  #hasWorker(): boolean {
    for (const worker of this.#workers) if (worker.isReady) return true;
    return false;
  }

  #dispatch(): void {
    if (this.#waiting.length > 1) this.#startWorkers();
    for (const worker of this.#workers) if (worker.isReady && worker.jobs.size <= DEPTH / 2) this.#feed(worker);
  }

  /** One job in this thread; the loop then turns before the next. */
  #help(): void {
    const job = this.#waiting.shift();
    if (job === undefined) return;
    job.resolve(rsaDecrypt(job.key, job.padding, job.data));
  }

  #startWorkers(): void {
    if (this.#hasFailed || this.#isClosed) return;
    while (this.#workers.size < this.#size) this.#startWorker();
  }

  #startWorker(): void {
    const worker: PoolWorker = { thread: startThread(), keys: new Set(), jobs: new Map(), isReady: false };
    this.#workers.add(worker);
    worker.thread.unref();
    worker.thread.on('message', ({ results, bytes }: DecryptReply) => {
      worker.isReady = true;
      this.#doneByWorkers += results.length;
      let at = 0;
      for (const { id, length } of results) {
        worker.jobs.get(id)?.resolve(length === null ? null : bytes.slice(at, at + length));
        worker.jobs.delete(id);
        at += length ?? 0;
      }
      if (worker.jobs.size === 0) worker.thread.unref();
      this.#dispatch();
    });
    worker.thread.once('error', () => {
      this.#hasFailed = true;
      this.#abandon(worker);
    });
    worker.thread.once('exit', () => this.#abandon(worker));
  }

  #feed(worker: PoolWorker): void {
    const jobs: DecryptJob[] = [];
    const parts: Uint8Array[] = [];
    while (worker.jobs.size < DEPTH && this.#waiting.length > 0) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      const keyId = this.#keyId(job.key);
      const { id, padding, data } = job;
      const isKnown = worker.keys.has(keyId);
      jobs.push({ id, keyId, ...(isKnown ? {} : { key: job.key }), padding, length: data.length });
      parts.push(data);
      worker.keys.add(keyId);
      worker.jobs.set(id, job);
    }
    if (jobs.length === 0) return;
    // Referenced only while it works: an idle worker must not keep the process alive, a busy one must not be left behind.
    if (worker.jobs.size === jobs.length) worker.thread.ref();
    const batch: DecryptBatch = { jobs, bytes: new Uint8Array(Buffer.concat(parts)) };
    worker.thread.postMessage(batch);
  }

  #keyId(key: KeyObject): number {
    const known = this.#keyIds.get(key);
    if (known !== undefined) return known;
    this.#nextId += 1;
    this.#keyIds.set(key, this.#nextId);
    return this.#nextId;
  }

  /** What a worker did not finish is done in this thread. */
  #abandon(worker: PoolWorker): void {
    if (!this.#workers.delete(worker)) return;
    this.#waiting.unshift(...worker.jobs.values());
    worker.jobs.clear();
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #retire(worker: PoolWorker): Promise<void> {
    // Under load, Node 20 now and then lets the process end (exit code 13) before a thread that was unreferenced has ended.
    const hold = setInterval(() => undefined, HOLD_MS);
    try {
      await worker.thread.terminate();
    } finally {
      clearInterval(hold);
    }
    this.#abandon(worker);
  }
}
