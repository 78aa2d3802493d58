/**
 * The journal's port. Append-only entries, each with the hash of the one before; beside them the items' current state, changed in the
 * same commit as the entry that changes it. Stores: src/journal/sqlite.
 */
import type { Expectation, Outputs } from '../adapters/adapter.ts';
import type { ErrorRecord } from '../errors/keyferry-error.ts';
import type { PlanItem } from '../plan/model.ts';

export type EntryScope = 'prepare' | 'canary' | 'each' | 'after-each' | 'undo' | 'finally';

/** Which call of which step an entry speaks of. `item` is the plan index, null outside of items; the canary is item -1. */
export interface CallId {
  readonly generation: number;
  readonly scope: EntryScope;
  readonly item: number | null;
  readonly step: string;
  readonly attempt: number;
}

export type Entry =
  | {
      readonly kind: 'run';
      readonly run: string;
      /** The plan's head, whole: the pinned playbook document, devices, digest. */
      readonly plan: unknown;
      readonly version: string;
    }
  | { readonly kind: 'owner'; readonly event: 'started' | 'stopped'; readonly pid: number; readonly host: string }
  | {
      readonly kind: 'phase';
      readonly generation: number;
      readonly from: string;
      readonly to: string;
      readonly reason: string | null;
      /** With `finishing`: what the run will be once `finally` is through, so that a crash on the way does not change it. */
      readonly ending?: RunEnding;
    }
  | {
      readonly kind: 'intent';
      readonly call: CallId;
      readonly action: string;
      readonly device: string;
      readonly expectation: Expectation | null;
    }
  | {
      readonly kind: 'outcome';
      readonly call: CallId;
      readonly result: 'applied' | 'not-applied' | 'unknown';
      readonly settled: boolean;
      readonly outputs: Outputs | null;
      readonly error: ErrorRecord | null;
    }
  | {
      readonly kind: 'item';
      readonly item: number;
      readonly state: ItemState;
      readonly reason: string | null;
      readonly target: unknown;
      readonly verification: Verification | null;
      readonly error: ErrorRecord | null;
    }
  | { readonly kind: 'check'; readonly name: string; readonly result: 'passed' | 'failed'; readonly detail: unknown }
  | { readonly kind: 'leftover'; readonly device: string; readonly object: string; readonly reason: string }
  | { readonly kind: 'cancel'; readonly by: string }
  | ({ readonly kind: 'approval'; readonly generation: number; readonly step: string } & ApprovalEvent)
  /** Items in these states became pending again for a new generation (`retry RUN`). */
  | { readonly kind: 'reset'; readonly generation: number; readonly states: readonly ItemState[] };

export interface RunEnding {
  readonly state: 'done' | 'failed' | 'cancelled';
  readonly error: ErrorRecord | null;
}

/** One request at a time is open for a step of a generation; a later one replaces it and what was signed under it. */
export type ApprovalEvent =
  | {
      readonly event: 'requested';
      readonly quorum: number;
      /** Hex. */
      readonly nonce: string;
      /** Milliseconds since the epoch. */
      readonly expiresAt: number;
    }
  | {
      readonly event: 'signed';
      readonly nonce: string;
      readonly approver: string;
      /** SubjectPublicKeyInfo in base64, so that the journal alone proves the signature; its SHA-256 (hex) is pinned in the plan. */
      readonly publicKey: string;
      readonly keySha256: string;
      /** Base64. */
      readonly signature: string;
      /** Hex, of the bytes that were signed. */
      readonly statementSha256: string;
    }
  /** Enough had signed in time, and the step begins: it is not asked for again in this generation. */
  | { readonly event: 'granted'; readonly nonce: string; readonly approvers: readonly string[] };

export type ItemState = 'pending' | 'migrated' | 'skipped' | 'failed' | 'needs-attention';

export interface Verification {
  readonly method: string;
  readonly strength: 'strong' | 'weak' | 'none';
  readonly result: 'same' | 'different' | 'not-compared';
}

export interface StoredEntry {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly hash: string;
  readonly entry: Entry;
}

/** An item with what became of it so far. */
export interface StoredItem {
  readonly item: PlanItem;
  readonly state: ItemState;
  readonly reason: string | null;
  readonly target: unknown;
  readonly verification: Verification | null;
  readonly error: ErrorRecord | null;
}

export interface Counts {
  readonly total: number;
  readonly pending: number;
  readonly migrated: number;
  readonly skipped: number;
  readonly failed: number;
  readonly needsAttention: number;
}

export interface Journal {
  readonly run: string;
  /** Resolves when the entry is durable; entries become durable in the order of the calls. Rejects with `disk-full`, `state-unwritable`. */
  append(entry: Entry): Promise<void>;
  /** Adds without waiting; durable no later than any entry appended after it. */
  note(entry: Entry): void;
  /** All that was appended is durable. Commits at once instead of waiting for company. */
  flush(): Promise<void>;
  /** Makes the items in these states pending again and records it, in one commit; resolves with how many there were. */
  resetItems(states: readonly ItemState[], generation: number): Promise<number>;
  /** Streams items in plan order, a page at a time, restricted to states. */
  items(states?: readonly ItemState[]): AsyncIterable<StoredItem>;
  counts(): Counts;
  entries(filter?: {
    readonly kinds?: readonly Entry['kind'][];
    readonly scopes?: readonly EntryScope[];
    readonly item?: number;
  }): Iterable<StoredEntry>;
  /** Intents that have no outcome yet, or only an unsettled `unknown` one; by item (null: outside of items). */
  openIntents(): Iterable<StoredEntry>;
  /** First entry. */
  head(): Extract<Entry, { kind: 'run' }>;
  /** Walks the whole chain; rejects with `journal-damaged` naming the first bad entry. */
  verifyChain(): Promise<{ readonly entries: number; readonly head: string }>;
  close(): Promise<void>;
}
