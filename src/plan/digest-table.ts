/** A map from 64-bit digests to 32-bit numbers in typed arrays: about 20 bytes per entry where a Map of strings needs over 100. */

const FIRST_SLOTS = 1024;
const MAX_LOAD = 0.75;

export class DigestTable {
  #slots = FIRST_SLOTS;
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  /** Value + 1; 0 marks a free slot. */
  #values = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots * 12;
  }

  /** `digest`: 16 hex digits. */
  get(digest: string): number | undefined {
    const [high, low] = halves(digest);
    const value = this.#values[this.#slot(high, low)] ?? 0;
    return value === 0 ? undefined : value - 1;
  }

  /** `value`: 0 to 2³² − 2. */
  set(digest: string, value: number): void {
    if (this.#size >= this.#slots * MAX_LOAD) {
      this.#grow();
    }
    const [high, low] = halves(digest);
    const slot = this.#slot(high, low);
    if (this.#values[slot] === 0) {
      this.#size += 1;
    }
    this.#put(slot, high, low, value + 1);
  }

  #put(slot: number, high: number, low: number, stored: number): void {
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#values[slot] = stored;
  }

  /** Where the digest is, or the free slot where it belongs. */
  #slot(high: number, low: number): number {
    const mask = this.#slots - 1;
    let slot = (low ^ (high >>> 7)) & mask;
    while (this.#values[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [high, low, values] = [this.#high, this.#low, this.#values];
    this.#slots *= 2;
    this.#high = new Uint32Array(this.#slots);
    this.#low = new Uint32Array(this.#slots);
    this.#values = new Uint32Array(this.#slots);
    for (const [at, stored] of values.entries()) {
      const [oldHigh, oldLow] = [high[at] ?? 0, low[at] ?? 0];
      if (stored !== 0) {
        this.#put(this.#slot(oldHigh, oldLow), oldHigh, oldLow, stored);
      }
    }
  }
}

const halves = (digest: string): [number, number] => [
  Number.parseInt(digest.slice(0, 8), 16),
  Number.parseInt(digest.slice(8, 16), 16),
];
