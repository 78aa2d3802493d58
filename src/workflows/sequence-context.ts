/** What one walk through a sequence knows: values that expressions see, calls known from the journal, and what became of it. */
import type { Expectation, Outputs } from '../adapters/adapter.ts';
import type { KeyferryError } from '../errors/keyferry-error.ts';
import type { CallId, EntryScope, Verification } from '../journal/journal.ts';
import type { Fingerprint } from '../keys/fingerprint.ts';
import type { KeyRef } from '../keys/key-record.ts';
import type { KeyScope, Step } from '../playbook/model.ts';
import { type Derivation, NO_DERIVATION } from './derivation.ts';

/** A call that the journal already knows: finished, or begun and never answered. */
export type KnownCall =
  | { readonly state: 'applied'; readonly outputs: Outputs; readonly violation: KeyferryError | null }
  | { readonly state: 'open'; readonly call: CallId; readonly expectation: Expectation | null };

export interface SourceKey {
  readonly ref: KeyRef;
  /** The fingerprint of the source key as this process read it, null where it can make none. */
  readonly fingerprint: Fingerprint | null;
}

/** A call that was sent and whose outcome is not known. */
export interface UnsettledCall {
  readonly call: CallId;
  readonly step: Step;
  readonly args: Readonly<Record<string, unknown>>;
  readonly expectation: Expectation | null;
  /** Ends when the device's own call has ended, however; null when that was in another process. */
  readonly ended: Promise<unknown> | null;
}

export interface Created {
  readonly step: Step;
  readonly outputs: Outputs;
}

export interface SequenceContext {
  readonly scope: EntryScope;
  readonly item: number | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Step id → outputs; grows as the sequence goes. */
  readonly steps: Record<string, Outputs>;
  readonly key?: KeyScope;
  readonly file?: { readonly path: string; readonly name: string; readonly size: number };
  readonly source: SourceKey | null;
  readonly known: Map<string, KnownCall>;
  /** What can be used once only, and what is made from it. */
  readonly chain: Derivation;
  /** Steps of the chain that nothing asks for any more. */
  readonly unneeded: Set<string>;
  /** Steps that this process has done: those that a renewal does not make anew are not done twice. */
  readonly done: Set<string>;
  /** How often the chain was made anew because it had expired. */
  renewals: number;
  readonly attempts: Map<string, number>;
  readonly created: Created[];
  unsettled: UnsettledCall | null;
  retryDelayMs: number;
  failure: KeyferryError | null;
  reason: string | null;
  target: KeyRef | null;
  verification: Verification | null;
}

export function newContext(
  seed: Pick<SequenceContext, 'scope' | 'item' | 'inputs' | 'source'> & {
    readonly steps: Readonly<Record<string, Outputs>>;
    readonly key?: KeyScope;
    readonly file?: SequenceContext['file'];
    readonly known?: Map<string, KnownCall>;
    readonly chain?: Derivation;
  },
): SequenceContext {
  const known = seed.known ?? new Map<string, KnownCall>();
  const chain = seed.chain ?? NO_DERIVATION;
  return {
    scope: seed.scope,
    item: seed.item,
    inputs: seed.inputs,
    steps: { ...seed.steps },
    ...(seed.key === undefined ? {} : { key: seed.key }),
    ...(seed.file === undefined ? {} : { file: seed.file }),
    source: seed.source,
    known,
    chain,
    unneeded: chain.unneeded(known),
    done: new Set(),
    renewals: 0,
    attempts: new Map(),
    created: [],
    unsettled: null,
    retryDelayMs: 0,
    failure: null,
    reason: null,
    target: null,
    verification: null,
  };
}
