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
/** After so many threaded calls in a row a blocking one may be tried again. */
const FORGET_AFTER = 200;
/** Weight of the newest call, and the most it counts for: one pause of the operating system must not change the way. */
const WEIGHT = 0.2;
const MOST_MS = 1;

interface Kind {
  /** Averages in ms; undefined: not known. */
  blocking: number | undefined;
  threaded: number | undefined;
  threadedInARow: number;
}

export class CallPace {
  readonly #kinds = new Map<string, Kind>();
  readonly #now: () => number;

  /** `now` in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `name` tells calls apart that take equally long. */
  async run<T>(name: string, blocking: () => T, threaded: () => Promise<T>): Promise<T> {
    const kind = this.#kind(name);
    const start = this.#now();
    if (isQuick(kind)) {
      const result = blocking();
      kind.blocking = average(kind.blocking, Math.min(this.#now() - start, MOST_MS));
      kind.threadedInARow = 0;
      return result;
    }
    const result = await threaded();
    kind.threaded = average(kind.threaded, this.#now() - start);
    kind.threadedInARow += 1;
    if (kind.threadedInARow % FORGET_AFTER === 0) kind.blocking = undefined;
    return result;
  }

  #kind(name: string): Kind {
    const known = this.#kinds.get(name) ?? { blocking: undefined, threaded: undefined, threadedInARow: 0 };
    this.#kinds.set(name, known);
    return known;
  }
}

function isQuick({ blocking, threaded }: Kind): boolean {
  if (blocking !== undefined) return blocking < WORTH_A_THREAD_MS;
  return threaded !== undefined && threaded < MAY_BE_QUICK_MS;
}

const average = (before: number | undefined, ms: number): number =>
  before === undefined ? ms : before + WEIGHT * (ms - before);
