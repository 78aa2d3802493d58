/**
 * Decides per kind of call whether to block this thread or to use a worker thread. Over a network a call takes milliseconds and sessions
 * must overlap; in a software token it takes microseconds and the hop to the worker thread costs more than the call.
 *
 * Measured with SoftHSM 2.6.1, pkcs11js 2.1.7, Node 20, two cores, time per call (blocking | 1 | 2 | 4 sessions at once in threads):
 *   ECB encrypt of 32 bytes        15 µs |  92 µs |        |  36 µs
 *   OAEP-2048 wrap                 86 µs | 207 µs |        |  96 µs
 *   OAEP-2048 unwrap, session obj 976 µs | 1048 µs | 738 µs | 491 µs
 *   OAEP-2048 unwrap, token obj    10 ms |   9 ms | 5.7 ms | 4.5 ms
 */
import { performance } from 'node:perf_hooks';

/** A call that blocks for less than this is not worth a thread. */
const WORTH_A_THREAD_MS = 0.3;
/** A threaded call that takes longer than this, hop included, is not even tried blocking. */
const MAY_BE_QUICK_MS = 1.5;
const WEIGHT = 0.2;

export class CallPace {
  readonly #threaded = new Map<string, number>();
  readonly #blocking = new Map<string, number>();

  async run<T>(kind: string, blocking: () => T, threaded: () => Promise<T>): Promise<T> {
    if (this.#shouldBlock(kind)) return timed(this.#blocking, kind, blocking);
    const start = performance.now();
    const result = await threaded();
    note(this.#threaded, kind, performance.now() - start);
    return result;
  }

  #shouldBlock(kind: string): boolean {
    const blocking = this.#blocking.get(kind);
    if (blocking !== undefined) return blocking < WORTH_A_THREAD_MS;
    const threaded = this.#threaded.get(kind);
    return threaded !== undefined && threaded < MAY_BE_QUICK_MS;
  }
}

function timed<T>(table: Map<string, number>, kind: string, call: () => T): T {
  const start = performance.now();
  const result = call();
  note(table, kind, performance.now() - start);
  return result;
}

function note(table: Map<string, number>, kind: string, ms: number): void {
  const before = table.get(kind);
  table.set(kind, before === undefined ? ms : before + WEIGHT * (ms - before));
}
