/**
 * Moves the pending items: a window of `concurrency` at a time, in the batches of the ramp, equal names one after the other. Items are
 * streamed from the journal, never held all at once. An item gives its place in the window away when its last call has been answered;
 * what then waits for the disk to record its end holds up no other, and is never more than the window once again.
 */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Counts } from '../journal/journal.ts';
import { locatorName } from '../keys/locator.ts';
import type { PlanItem } from '../plan/model.ts';
import type { ItemEnd, ItemRunner } from './item-runner.ts';
import type { RunContext } from './run-environment.ts';
import { Suspension } from './suspension.ts';

export class Mover {
  readonly #run: RunContext;
  readonly #items: ItemRunner;
  readonly #finished: () => void;
  readonly #active = new Set<Promise<void>>();
  /** Name of the items in flight → the end of the last one that bears it. */
  readonly #named = new Map<string, Promise<void>>();
  /** Items that still call devices. */
  #working = 0;
  #placeFreed: (() => void) | null = null;
  #stop: Suspension | null = null;
  #bug: unknown = null;
  #passed = 0;

  constructor(run: RunContext, items: ItemRunner, onFinished: () => void) {
    this.#run = run;
    this.#items = items;
    this.#finished = onFinished;
  }

  get inFlight(): number {
    return this.#active.size;
  }

  /** Rejects with Suspension when the run has to stop. `only`: restricts to items of these indexes. */
  async move(only: ReadonlySet<number> | null = null): Promise<void> {
    const total = this.#run.plan.summary.move;
    const ramp = this.#run.playbook.policy.ramp;
    let batch = 0;
    let left = batchSize(ramp[batch], total);
    for await (const { item } of this.#run.journal.items(['pending'])) {
      if (this.#halts()) break;
      if (only !== null && !only.has(item.index)) continue;
      if (item.action !== 'move') {
        await this.#passBy(item);
        continue;
      }
      if (left === 0) {
        await this.#drain();
        if (this.#halts()) break;
        batch = Math.min(batch + 1, ramp.length - 1);
        left = batchSize(ramp[batch], total);
      }
      left -= 1;
      await this.#start(item, batch === 0 && batchSize(ramp[0], total) === 1);
    }
    await this.#drain();
    await this.#run.journal.flush();
    if (this.#bug !== null) throw this.#bug;
    if (this.#stop !== null) throw this.#stop;
    if (this.#run.stop.isInterrupted) throw new Suspension('stopped', null);
  }

  /** What the plan does not move ends at once, with the plan's reason. */
  async #passBy(item: PlanItem): Promise<void> {
    this.#passed += 1;
    // Now and then, so that a great many of them do not pile up in memory.
    if (this.#passed % 1000 === 0) await this.#run.journal.flush();
    const prefix = item.action === 'duplicate' ? 'already-there: ' : item.action === 'block' ? 'blocked: ' : '';
    this.#run.journal.note({
      kind: 'item',
      item: item.index,
      state: 'skipped',
      reason: `${prefix}${item.reason ?? 'as planned'}`,
      target: null,
      verification: null,
      error: null,
    });
  }

  #halts(): boolean {
    return this.#stop !== null || this.#bug !== null || this.#run.stop.isDraining;
  }

  async #start(item: PlanItem, isFirst: boolean): Promise<void> {
    while (!this.#hasPlace()) {
      await new Promise<void>((resolve) => {
        this.#placeFreed = resolve;
      });
    }
    if (this.#halts()) return;
    this.#working += 1;
    const name = item.source.kind === 'key' ? locatorName(item.source.record.locator) : item.source.path;
    const before = this.#named.get(name);
    const done = (
      before === undefined ? this.#one(item, isFirst) : before.then(() => this.#one(item, isFirst))
    ).finally(() => {
      this.#active.delete(done);
      this.#placeFreed?.();
      if (this.#named.get(name) === done) this.#named.delete(name);
    });
    this.#active.add(done);
    this.#named.set(name, done);
  }

  #hasPlace(): boolean {
    const { concurrency } = this.#run;
    return this.#working < concurrency && this.#active.size < 2 * concurrency;
  }

  async #one(item: PlanItem, isFirst: boolean): Promise<void> {
    let isWorking = true;
    const leave = (): void => {
      if (!isWorking) return;
      isWorking = false;
      this.#working -= 1;
      this.#placeFreed?.();
    };
    try {
      if (!this.#halts()) await this.#carryOut(item, isFirst, leave);
    } finally {
      leave();
    }
  }

  async #carryOut(item: PlanItem, isFirst: boolean, leave: () => void): Promise<void> {
    try {
      this.#judge(await this.#items.run(item, leave), isFirst);
    } catch (error) {
      if (error instanceof Suspension) this.#stop ??= error;
      else if (error instanceof KeyferryError) this.#stop ??= new Suspension('stopped', error);
      else this.#bug ??= error;
      return;
    }
    this.#finished();
  }

  #judge(end: ItemEnd, isFirst: boolean): void {
    const counts = this.#run.journal.counts();
    const isBad = end.state === 'failed' || end.state === 'needs-attention';
    if (isBad && isFirst && this.#run.playbook.canary === null && counts.migrated === 0) {
      const why = `the first key did not make it, so no other was started: ${end.error?.message ?? end.state}`;
      this.#stop ??= new Suspension('stopped', new KeyferryError('run-stopped', why));
    }
    const condition = this.#run.playbook.policy.stopWhen;
    if (!isBad || condition === null || this.#stop !== null) return;
    if (condition.evaluate({ inputs: this.#run.inputs, steps: {}, counts: stopCounts(counts) }) === true) {
      const why = `stop-when: ${condition.source} (${counts.failed} failed)`;
      this.#stop = new Suspension('stopped', new KeyferryError('run-stopped', why));
    }
  }

  async #drain(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active);
  }
}

function stopCounts(counts: Counts): { failed: number; total: number; finished: number } {
  const failed = counts.failed + counts.needsAttention;
  return { failed, total: counts.total, finished: counts.migrated + counts.skipped + failed };
}

function batchSize(step: { readonly count: number } | { readonly share: number } | undefined, total: number): number {
  if (step === undefined) return Number.POSITIVE_INFINITY;
  return 'count' in step
    ? step.count
    : step.share >= 1
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.ceil(step.share * total));
}
