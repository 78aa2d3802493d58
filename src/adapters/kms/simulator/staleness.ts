/**
 * Eventual consistency as a fault: a change is made, and reads go on seeing what was there before, for so many reads or so long, or every
 * second time. In memory: another process sees the truth.
 */
import type { AliasRecord, GrantRecord, KeyRecord } from './key-record.ts';
import type { Entry, StateView } from './key-store.ts';

export interface StaleRule {
  readonly reads: number;
  readonly ms: number;
  readonly isFlipping: boolean;
}

interface Stale<T> {
  /** undefined: was not there. */
  readonly before: T | undefined;
  readonly untilMs: number;
  readonly isFlipping: boolean;
  readsLeft: number;
  isNextFresh: boolean;
}

export class Staleness {
  readonly #keys = new Map<string, Stale<KeyRecord>>();
  readonly #aliases = new Map<string, Stale<AliasRecord>>();

  /** To be called with what a change is about to replace. */
  hide(
    entries: readonly Entry[],
    state: StateView,
    { rule, nowMs }: { readonly rule: StaleRule; readonly nowMs: number },
  ): void {
    const stale = <T>(before: T | undefined): Stale<T> => ({
      ...{ before, untilMs: nowMs + rule.ms, isFlipping: rule.isFlipping, readsLeft: rule.reads, isNextFresh: false },
    });
    for (const entry of entries) {
      if (entry.kind === 'key') this.#keys.set(entry.key.id, stale(state.key(entry.key.id)));
      if (entry.kind === 'alias') this.#aliases.set(entry.alias.name, stale(state.alias(entry.alias.name)));
      if (entry.kind === 'no-alias') this.#aliases.set(entry.name, stale(state.alias(entry.name)));
    }
  }

  /** What a read sees. Each thing that is hidden counts one read, however often the read looks at it. */
  view(state: StateView, nowMs: number): StateView {
    if (this.#keys.size === 0 && this.#aliases.size === 0) return state;
    return new StaleView(state, { keys: seenBefore(this.#keys, nowMs), aliases: seenBefore(this.#aliases, nowMs) });
  }
}

type Seen<T> = ReadonlyMap<string, () => { readonly before: T | undefined } | null>;

/** Looked at when the read asks for it: what it does not ask for is not used up. */
function seenBefore<T>(hidden: Map<string, Stale<T>>, nowMs: number): Seen<T> {
  const seen = new Map<string, () => { readonly before: T | undefined } | null>();
  for (const [name, stale] of hidden) {
    let answer: { readonly before: T | undefined } | null | undefined;
    seen.set(name, () => {
      if (answer === undefined) answer = look(hidden, name, stale, nowMs);
      return answer;
    });
  }
  return seen;
}

/** null: the truth. */
function look<T>(
  hidden: Map<string, Stale<T>>,
  name: string,
  stale: Stale<T>,
  nowMs: number,
): { before: T | undefined } | null {
  if (stale.readsLeft <= 0 && nowMs >= stale.untilMs) {
    hidden.delete(name);
    return null;
  }
  const isFresh = stale.isFlipping && stale.isNextFresh;
  stale.isNextFresh = !stale.isNextFresh;
  if (isFresh) return null;
  stale.readsLeft -= 1;
  return { before: stale.before };
}

class StaleView implements StateView {
  readonly #state: StateView;
  readonly #seen: { readonly keys: Seen<KeyRecord>; readonly aliases: Seen<AliasRecord> };

  constructor(state: StateView, seen: { readonly keys: Seen<KeyRecord>; readonly aliases: Seen<AliasRecord> }) {
    this.#state = state;
    this.#seen = seen;
  }

  key(id: string): KeyRecord | undefined {
    const stale = this.#seen.keys.get(id)?.() ?? null;
    return stale === null ? this.#state.key(id) : stale.before;
  }

  alias(name: string): AliasRecord | undefined {
    const stale = this.#seen.aliases.get(name)?.() ?? null;
    return stale === null ? this.#state.alias(name) : stale.before;
  }

  keys(): readonly KeyRecord[] {
    return this.#state.keys().flatMap(({ id }) => this.key(id) ?? []);
  }

  aliases(): readonly AliasRecord[] {
    const names = new Set([...this.#state.aliases().map(({ name }) => name), ...this.#seen.aliases.keys()]);
    return [...names].sort().flatMap((name) => this.alias(name) ?? []);
  }

  aliasesOf(keyId: string): readonly AliasRecord[] {
    return this.aliases().filter((alias) => alias.keyId === keyId);
  }

  grants(): readonly GrantRecord[] {
    return this.#state.grants();
  }
}
