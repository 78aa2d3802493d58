/** A checked playbook: what the parser gives and everything after it reads. Pure data but for compiled expressions. */
import type { ActionSpec } from '../adapters/adapter.ts';
import type { ValueType } from '../schema/shape.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Playbook {
  readonly name: string;
  readonly title: string;
  /** Role → adapter name. */
  readonly devices: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly over: Over | null;
  readonly prepare: readonly Step[];
  readonly canary: Step | null;
  readonly each: readonly Step[];
  readonly afterEach: readonly Step[];
  readonly finally: readonly Step[];
  readonly policy: Policy;
  /** `weak`: keys without any fingerprint method may move, and the evidence says so. */
  readonly verify: 'strong' | 'weak';
  readonly exposesPlaintext: boolean;
  /** The parsed document as plain JSON values: what the digest covers. */
  readonly document: Json;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What `each` repeats over. */
export type Over =
  | { readonly kind: 'keys'; readonly from: string; readonly where: Expression | null; readonly place: Place }
  | { readonly kind: 'files'; readonly files: Template; readonly place: Place };

export interface InputSpec {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'secret' | 'path';
  readonly enum?: readonly (string | number)[];
  readonly default?: string | number | boolean;
  readonly description?: string;
}

export type Block = 'prepare' | 'canary' | 'each' | 'after-each' | 'finally';

export interface Step {
  /** Given in the playbook, or made from block and number: `each_1`. Unique in the playbook. */
  readonly id: string;
  readonly block: Block;
  /** Role of a device, or the built-in namespace `verify` or `file`. */
  readonly target: string;
  readonly action: string;
  readonly spec: ActionSpec;
  readonly with: Readonly<Record<string, Template>>;
  readonly when: Expression | null;
  /** For check steps: what becomes of an item that does not pass. Default `fail`. */
  readonly otherwise: 'skip' | 'fail';
  readonly retry: Retry;
  /** null: the engine's default. */
  readonly timeoutMs: number | null;
  /** `validForMs`: how long a request may be signed; absent: a day. */
  readonly approval: { readonly quorum: number; readonly validForMs?: number } | null;
  readonly rollback: RollbackCall | null;
  readonly exposesPlaintext: boolean;
  readonly place: Place;
}

export interface RollbackCall {
  readonly target: string;
  readonly action: string;
  readonly spec: ActionSpec;
  readonly with: Readonly<Record<string, Template>>;
}

export interface Retry {
  /** Tries in all, 1: no second. Null where the author leaves it to what is known of the device. */
  readonly attempts: number | null;
  readonly backoff: 'exponential' | 'fixed';
  /** Delay before the second try. */
  readonly delayMs: number;
}

export interface Policy {
  readonly concurrency: number;
  /** Window sizes: the first batch, the next, …; a share counts of all items. The last holds on. */
  readonly ramp: readonly ({ readonly count: number } | { readonly share: number })[];
  readonly stopWhen: Expression | null;
}

/** An argument as written: a literal, one expression (keeps its type), text with expressions in it, or a structure of those. */
export type Template =
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'text'; readonly parts: readonly (string | Expression)[] }
  | { readonly kind: 'map'; readonly entries: Readonly<Record<string, Template>> }
  | { readonly kind: 'list'; readonly items: readonly Template[] };

export type Reference =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'step'; readonly step: string; readonly output: string }
  | { readonly kind: 'key' }
  | { readonly kind: 'item' }
  | { readonly kind: 'count' };

export interface Expression {
  readonly source: string;
  readonly type: ValueType;
  /** Everything the expression names. */
  readonly references: readonly Reference[];
  readonly place: Place;
  /** Throws KeyferryError `argument-invalid` with the place, never anything else. */
  evaluate(scope: Scope): unknown;
}

/** What expressions see. `key` is the record of the item's key; naming it whole (`${{ key }}`) gives its KeyRef. */
export interface Scope {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Step id → output name → value. */
  readonly steps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly key?: KeyScope;
  readonly item?: { readonly path: string; readonly name: string; readonly size: number };
  /** For `stop-when` only. */
  readonly counts?: { readonly failed: number; readonly total: number; readonly finished: number };
}

export interface KeyScope {
  /** What `${{ key }}` gives. */
  readonly ref: unknown;
  /** label, id, class, type, bits, kcv and the attributes in snake case. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}
