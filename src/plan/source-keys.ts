/**
 * The source device's keys, filtered by `where`, in an order that every process gives: by label, id, class, type, fingerprint. Devices
 * enumerate in any order they like, and a plan must not depend on it. Sorted on disk, so that a million keys need no memory.
 */
import type { BoundDevice, InventoryQuery } from '../adapters/adapter.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { Expression } from '../playbook/model.ts';
import { plannedRecord } from './digest.ts';
import { keyScope } from './key-scope.ts';
import { LineSorter } from './line-sorter.ts';

export interface SourceKey {
  readonly record: KeyRecord;
  /** Another object on the source, chosen by `where` or not, has the same class, type, id and label. */
  readonly hasNamesake: boolean;
}

export interface SourceKeysOptions {
  readonly source: BoundDevice;
  readonly where: Expression | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly query: InventoryQuery;
  /** Folder for sorting. */
  readonly folder: string;
  /** Keys looked at so far. */
  readonly onProgress?: (count: number) => void;
}

/** Label first: that is how people look keys up in a plan. Hex and lower-case names only, so `/` sorts before every other character. */
const nameOf = ({ locator }: KeyRecord): string => `${locator.label}/${locator.id}/${locator.class}/${locator.type}`;

const fingerprintText = ({ locator }: KeyRecord): string =>
  locator.fingerprint === null ? '' : `${locator.fingerprint.method}:${locator.fingerprint.value}`;

/** Orders two records as `SourceKeys` does; 0 for records that are one object as far as a locator can tell. */
export function compareByLocator(a: KeyRecord, b: KeyRecord): number {
  const left = `${nameOf(a)}/${fingerprintText(a)}`;
  const right = `${nameOf(b)}/${fingerprintText(b)}`;
  return left < right ? -1 : left > right ? 1 : 0;
}

export class SourceKeys {
  readonly #sorter: LineSorter;
  /** Objects on the device. */
  readonly total: number;
  /** Those that `where` chose. */
  readonly chosen: number;

  private constructor(sorter: LineSorter, total: number, chosen: number) {
    this.#sorter = sorter;
    this.total = total;
    this.chosen = chosen;
  }

  /** Enumerates the device once. Rejects with what the device or the `where` expression rejects with. */
  static async read(options: SourceKeysOptions): Promise<SourceKeys> {
    const { source, where, inputs } = options;
    const sorter = new LineSorter({ folder: options.folder });
    let total = 0;
    let chosen = 0;
    try {
      for await (const batch of source.device.inventory(options.query)) {
        for (const record of batch) {
          const isChosen =
            where === null || where.evaluate({ inputs, steps: {}, key: keyScope(record, source.role) }) === true;
          const text = isChosen ? JSON.stringify(plannedRecord(record)) : '';
          sorter.add(`${nameOf(record)}/${fingerprintText(record)}\t${text}`);
          chosen += isChosen ? 1 : 0;
        }
        total += batch.length;
        options.onProgress?.(total);
      }
    } catch (error) {
      sorter.dispose();
      throw error;
    }
    return new SourceKeys(sorter, total, chosen);
  }

  /** In order. May be called again until `dispose`. */
  *keys(): Generator<SourceKey, void, undefined> {
    let before: string | null = null;
    let held: { name: string; text: string } | null = null;
    for (const line of this.#sorter.sorted()) {
      const tab = line.indexOf('\t');
      const here = { name: line.slice(0, line.lastIndexOf('/', tab)), text: line.slice(tab + 1) };
      if (held !== null) {
        yield* chosenKey(held, held.name === before || held.name === here.name);
        before = held.name;
      }
      held = here;
    }
    if (held !== null) {
      yield* chosenKey(held, held.name === before);
    }
  }

  dispose(): void {
    this.#sorter.dispose();
  }
}

function* chosenKey(held: { readonly text: string }, hasNamesake: boolean): Generator<SourceKey, void, undefined> {
  if (held.text !== '') {
    yield { record: JSON.parse(held.text) as KeyRecord, hasNamesake };
  }
}
