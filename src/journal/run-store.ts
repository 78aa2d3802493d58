/** The port through which a run gets its journal, its lock and its inbox. Store on disk: src/journal/sqlite/sqlite-run-store.ts. */
import type { PlanItem } from '../plan/model.ts';
import type { Entry, Journal } from './journal.ts';

/** What another process asks of the run's owner. */
export type InboxMessage =
  | { readonly kind: 'cancel'; readonly by: string }
  /** A signature over an open request for approval; the owner checks it again. Key and signature in base64. */
  | {
      readonly kind: 'approve';
      readonly approver: string;
      /** SubjectPublicKeyInfo. */
      readonly publicKey: string;
      readonly signature: string;
    };

/** A run that this process owns. */
export interface OwnedRun {
  readonly journal: Journal;
  /** Messages that came since the last call, oldest first. */
  readInbox(): Promise<readonly InboxMessage[]>;
  /** Closes the journal and gives the lock up. */
  close(): Promise<void>;
}

export interface RunStore {
  /** A new run, owned. `blockedAs`: what becomes of items the plan blocks when the operator leaves them out. */
  create(options: {
    readonly head: Extract<Entry, { kind: 'run' }>;
    readonly items: AsyncIterable<PlanItem>;
  }): Promise<OwnedRun>;
  /** Rejects with `run-held` when another process owns it, `run-unknown`, `journal-…`. */
  open(run: string): Promise<OwnedRun>;
  newRunId(): string;
}
