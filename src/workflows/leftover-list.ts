/** What could not be cleaned up, said once each and kept in the journal. */
import type { Journal } from '../journal/journal.ts';
import type { Leftover } from './engine.ts';

export class LeftoverList {
  readonly #journal: Journal;
  readonly #all = new Map<string, Leftover>();

  constructor(journal: Journal) {
    this.#journal = journal;
    for (const { entry } of journal.entries({ kinds: ['leftover'] })) {
      if (entry.kind === 'leftover') this.#all.set(`${entry.device} ${entry.object}`, entry);
    }
  }

  add(device: string, object: string, reason: string): void {
    const name = `${device} ${object}`;
    if (this.#all.has(name)) return;
    this.#all.set(name, { device, object, reason });
    this.#journal.note({ kind: 'leftover', device, object, reason });
  }

  list(): Leftover[] {
    return [...this.#all.values()].map(({ device, object, reason }) => ({ device, object, reason }));
  }
}
