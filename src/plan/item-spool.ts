/** The items of a plan in the making, on disk instead of in memory: written once in plan order, then streamed as often as wanted. */
import { ItemsHash, itemLine } from './digest.ts';
import { LineWriter, linesOf } from './line-file.ts';
import type { PlanItem } from './model.ts';

/** One offset in memory for so many items. */
const ITEMS_PER_OFFSET = 256;

export class ItemSpool {
  readonly #writer: LineWriter;
  readonly #hash = new ItemsHash();
  readonly #offsets: number[] = [];
  #count = 0;

  /** `path` must not exist yet. */
  constructor(path: string) {
    this.#writer = new LineWriter(path);
  }

  get count(): number {
    return this.#count;
  }

  get itemsHash(): string {
    return this.#hash.value;
  }

  add(item: PlanItem): void {
    const line = itemLine(item);
    this.#hash.add(line);
    const offset = this.#writer.write(line);
    if (this.#count % ITEMS_PER_OFFSET === 0) {
      this.#offsets.push(offset);
    }
    this.#count += 1;
  }

  /** An item that was added before. */
  at(index: number): PlanItem {
    this.#writer.flush();
    let skip = index % ITEMS_PER_OFFSET;
    for (const line of linesOf(this.#writer.path, this.#offsets[Math.floor(index / ITEMS_PER_OFFSET)])) {
      if (skip === 0) {
        return JSON.parse(line.text) as PlanItem;
      }
      skip -= 1;
    }
    throw new RangeError(`the plan has no item ${index}`);
  }

  /** No more items. */
  close(): void {
    this.#writer.close();
  }

  async *items(): AsyncGenerator<PlanItem, void, undefined> {
    for (const line of linesOf(this.#writer.path)) {
      yield JSON.parse(line.text) as PlanItem;
    }
  }
}
