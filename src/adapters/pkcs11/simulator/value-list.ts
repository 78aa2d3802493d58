/** A few attribute values of one object: a list where a Map would cost 200 bytes and half a microsecond per key. */
export class ValueList {
  readonly #types: number[] = [];
  readonly #values: Uint8Array[] = [];

  get size(): number {
    return this.#types.length;
  }

  get(type: number): Uint8Array | undefined {
    return this.#values[this.#types.indexOf(type)];
  }

  has(type: number): boolean {
    return this.#types.includes(type);
  }

  set(type: number, value: Uint8Array): void {
    const at = this.#types.indexOf(type);
    if (at >= 0) {
      this.#values[at] = value;
      return;
    }
    this.#types.push(type);
    this.#values.push(value);
  }

  delete(type: number): void {
    const at = this.#types.indexOf(type);
    if (at < 0) return;
    this.#types.splice(at, 1);
    this.#values.splice(at, 1);
  }

  each(visit: (type: number, value: Uint8Array) => void): void {
    for (let i = 0; i < this.#types.length; i += 1) {
      const [type, value] = [this.#types[i], this.#values[i]];
      if (type !== undefined && value !== undefined) visit(type, value);
    }
  }

  copy(): ValueList {
    const copy = new ValueList();
    this.each((type, value) => copy.set(type, value));
    return copy;
  }
}
