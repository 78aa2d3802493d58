/** Records by name, listed in the order of their names. The order is worked out when a list is asked for, not at every change. */
export class SortedRecords<T> {
  readonly #records = new Map<string, T>();
  #names: readonly string[] | null = [];

  get(name: string): T | undefined {
    return this.#records.get(name);
  }

  set(name: string, record: T): void {
    if (!this.#records.has(name)) this.#names = null;
    this.#records.set(name, record);
  }

  delete(name: string): void {
    if (this.#records.delete(name)) this.#names = null;
  }

  values(): Iterable<T> {
    return this.#records.values();
  }

  sorted(): readonly T[] {
    this.#names ??= [...this.#records.keys()].sort();
    return this.#names.flatMap((name) => this.#records.get(name) ?? []);
  }
}
