/** A plan: a playbook bound to devices, inputs and inventory. Pure data; src/plan/plan-file.ts is its only reader and writer on disk. */
import type { Trust } from '../adapters/adapter.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { Json } from '../playbook/model.ts';

export const PLAN_FORMAT = 1;

export type ItemAction = 'move' | 'skip' | 'block' | 'duplicate';

export interface PlanItem {
  /** 0-based place in the plan. */
  readonly index: number;
  /** Short stable name, unique in the plan (16 hex digits, `-2` … behind indistinguishable ones). */
  readonly key: string;
  readonly label: string;
  readonly action: ItemAction;
  readonly reason: string | null;
  /** Notes that do not change the action. */
  readonly notes: readonly string[];
  /** For keys: the source record; for files: path and size. */
  readonly source:
    | { readonly kind: 'key'; readonly record: KeyRecord }
    | { readonly kind: 'file'; readonly path: string; readonly size: number };
}

export interface PlanDevice {
  /** Role in the playbook. */
  readonly role: string;
  /** Name in the devices file. */
  readonly name: string;
  readonly adapter: string;
  readonly driver: string;
  readonly trust: Trust;
  readonly serial: string;
  readonly label: string;
}

export interface PlanSummary {
  readonly total: number;
  readonly move: number;
  readonly skip: number;
  readonly block: number;
  readonly duplicate: number;
}

export interface PlanStepLine {
  readonly id: string;
  readonly do: string;
  readonly summary: string;
  readonly device: string;
  readonly effect: string;
  readonly pointOfNoReturn: boolean;
  /** What a destroying step takes away, in words. */
  readonly object?: string;
  /** How many must sign before the step begins; absent: nobody. */
  readonly quorum?: number;
}

/** Everything but the items, which are streamed. */
export interface PlanHead {
  readonly format: typeof PLAN_FORMAT;
  readonly playbook: string;
  readonly title: string;
  readonly digest: string;
  /** What the digest covers, with `items` as the hash over the item lines. */
  readonly document: Json;
  readonly inputs: Readonly<Record<string, Json>>;
  readonly devices: readonly PlanDevice[];
  readonly approvers: Readonly<Record<string, string>>;
  readonly summary: PlanSummary;
  readonly prepare: readonly PlanStepLine[];
  readonly finally: readonly PlanStepLine[];
  readonly each: readonly PlanStepLine[];
  readonly canary?: PlanStepLine | null;
  readonly afterEach?: readonly PlanStepLine[];
  readonly exposesPlaintext: boolean;
  readonly estimateSeconds: number;
  /** Hex, salts every fingerprint of this plan. */
  readonly salt: string;
  readonly fingerprinted: boolean;
  readonly itemsHash: string;
  /** Findings about the plan as a whole that block it. */
  readonly blocks: readonly string[];
  readonly warnings: readonly string[];
  readonly version: string;
  readonly createdAt: string;
}

/** A plan whose items are streamed: fresh from the planner, read from a plan file, or from a run's journal. */
export interface PlanSource {
  readonly head: PlanHead;
  /** In plan order. May be called more than once. */
  items(): AsyncIterable<PlanItem>;
  /** Removes what was spooled on disk, if anything. */
  dispose(): Promise<void>;
}
