/** What a run is to its caller: how it is started, watched, interrupted, and what it ends with. */
import type { BoundDevice } from '../adapters/adapter.ts';
import type { KeyferryError } from '../errors/keyferry-error.ts';
import type { Counts } from '../journal/journal.ts';
import type { RunStore } from '../journal/run-store.ts';
import type { PlanSource } from '../plan/model.ts';
import type { Playbook } from '../playbook/model.ts';
import type { CallClock } from './call-clock.ts';

export type RunState =
  | 'planned'
  | 'preparing'
  | 'proving'
  | 'moving'
  | 'finishing'
  | 'done'
  | 'failed'
  | 'paused'
  | 'waiting'
  | 'cancelled';

export interface Leftover {
  readonly device: string;
  /** What it is and how to find it: class, type, label, id. */
  readonly object: string;
  readonly reason: string;
}

export interface Progress {
  readonly state: RunState;
  readonly counts: Counts;
  /** Finished items per second in the sliding window, null before 30 items. */
  readonly rate: number | null;
  readonly etaSeconds: number | null;
}

export interface RunObserver {
  progress(progress: Progress): void;
  /** One line for people: a phase began, a check passed, an item needs attention. */
  notice(text: string): void;
}

export interface RunResult {
  readonly run: string;
  readonly state: RunState;
  readonly counts: Counts;
  readonly seconds: number;
  readonly leftovers: readonly Leftover[];
  /** Why it is not done; null when it is. Exit code by §7's precedence: 130, 8, 7, 4, 5, 1. */
  readonly error: KeyferryError | null;
  readonly exitCode: number;
}

export interface RunEnvironment {
  readonly store: RunStore;
  readonly version: string;
  readonly observer: RunObserver;
  /** Role → open device. */
  readonly devices: ReadonlyMap<string, BoundDevice>;
  /** Values of `secret` inputs, by name; never journalled. */
  readonly secretInputs: Readonly<Record<string, unknown>>;
  /** Inputs as resolved, without secrets; on resume from the pinned plan. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** `--concurrency`, null: the playbook's. */
  readonly concurrency: number | null;
  /** `--wait`: where an approval is missing, stay until it comes. Default: end with `approval-waiting`. */
  readonly wait?: boolean;
  /** Default: the system's. */
  readonly clock?: CallClock;
}

export interface RunHandle {
  readonly run: string;
  readonly result: Promise<RunResult>;
  /** First Ctrl-C or SIGTERM: calls in flight finish, nothing new starts, exit 130. */
  interrupt(): void;
  /** Second: stop now; what was in flight is settled on resume. */
  abort(): void;
}

export interface StartOptions extends RunEnvironment {
  readonly plan: PlanSource;
  readonly playbook: Playbook;
  /** Plan index → why the key is not what it was when the plan was made; such items fail. */
  readonly stale?: ReadonlyMap<number, string>;
}

export interface ResumeOptions extends RunEnvironment {
  readonly run: string;
  readonly playbook: Playbook;
  /** `retry`: failed and needs-attention items become pending again in a new generation. `cancel`: end it and run finally. */
  readonly mode: 'resume' | 'retry' | 'cancel';
}
