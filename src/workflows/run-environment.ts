/** What one process needs to carry a run on: the journal it owns, the devices, the pinned plan. Built by start-run and resume-run. */
import type { BoundDevice } from '../adapters/adapter.ts';
import type { Journal } from '../journal/journal.ts';
import type { OwnedRun } from '../journal/run-store.ts';
import type { PlanHead } from '../plan/model.ts';
import type { Playbook } from '../playbook/model.ts';
import type { ApprovalGate } from './approval-gate.ts';
import type { CallClock } from './call-clock.ts';
import type { RunObserver } from './engine.ts';
import type { LeftoverList } from './leftover-list.ts';
import type { StepRunner } from './step-runner.ts';

export interface RunContext {
  readonly run: string;
  readonly owned: OwnedRun;
  readonly journal: Journal;
  readonly plan: PlanHead;
  readonly playbook: Playbook;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly observer: RunObserver;
  readonly clock: CallClock;
  readonly salt: Uint8Array;
  readonly generation: number;
  readonly concurrency: number;
  readonly runner: StepRunner;
  readonly approvals: ApprovalGate;
  readonly leftovers: LeftoverList;
  /** False in the process that began the run: then no item has a history yet. */
  readonly isResumed: boolean;
  readonly stop: StopSwitch;
}

/** Who wants the run to stop, and how. */
export class StopSwitch {
  /** `interrupt`: nothing new, items stay where they are · `drain`: items in flight are finished, no new ones. */
  #wish: 'none' | 'drain' | 'interrupt' = 'none';
  #wake: () => void = () => undefined;
  /** Resolves at an interruption: ends every wait at once. */
  readonly interruption: Promise<void> = new Promise((resolve) => {
    this.#wake = resolve;
  });

  get isInterrupted(): boolean {
    return this.#wish === 'interrupt';
  }

  get isDraining(): boolean {
    return this.#wish !== 'none';
  }

  drain(): void {
    if (this.#wish === 'none') this.#wish = 'drain';
  }

  interrupt(): void {
    this.#wish = 'interrupt';
    this.#wake();
  }

  /** After a drain, `finally` has to run. An interruption stays. */
  clearDrain(): void {
    if (this.#wish === 'drain') this.#wish = 'none';
  }
}
