/** Items per second over a sliding window; silent until 30 items have finished, since an early rate misleads. */
const WINDOW_MS = 30_000;
const MINIMUM_ITEMS = 30;

export class SlidingRate {
  readonly #marks: { readonly at: number; readonly finished: number }[] = [];
  #finished = 0;

  finished(now: number): void {
    this.#finished += 1;
    const last = this.#marks.at(-1);
    // One mark a quarter second is enough, however fast items finish.
    if (last === undefined || now - last.at >= 250) this.#marks.push({ at: now, finished: this.#finished });
    while (this.#marks.length > 2 && now - (this.#marks[0]?.at ?? now) > WINDOW_MS) this.#marks.shift();
  }

  /** Per second; null before 30 items. */
  rate(now: number): number | null {
    const first = this.#marks[0];
    if (first === undefined || this.#finished < MINIMUM_ITEMS) return null;
    const seconds = (now - first.at) / 1000;
    return seconds <= 0 ? null : (this.#finished - first.finished) / seconds;
  }
}
