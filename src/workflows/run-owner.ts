/** Owns one run in this process: steps the run machine, carries out its effects, and says how it ended. */
import { createActor } from 'xstate';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { RunEnding } from '../journal/journal.ts';
import type { GateKeeper } from './approval-gate.ts';
import { scopeOf } from './arguments.ts';
import { begunItems, parkItems } from './begun-items.ts';
import { CANARY_ITEM, proveRoute } from './canary.ts';
import type { Progress, RunHandle, RunResult } from './engine.ts';
import { ItemRunner } from './item-runner.ts';
import { Mover } from './mover.ts';
import { PreparedBlock } from './prepared.ts';
import { ENDING_EVENTS, ENDINGS, publicState, type RunEffect, type RunEvent, runMachine } from './run.machine.ts';
import type { RunContext } from './run-environment.ts';
import { outcomeOf } from './run-outcome.ts';
import { newContext } from './sequence-context.ts';
import { Sequence } from './sequence-runner.ts';
import { SlidingRate } from './sliding-rate.ts';
import { Suspension, suspensionOf } from './suspension.ts';
import { guardWrappingKeys } from './wrapping-guard.ts';

const PROGRESS_MS = 100;
const INBOX_MS = 500;

export class RunOwner {
  readonly #run: RunContext;
  readonly #prepared: PreparedBlock;
  readonly #rate = new SlidingRate();
  readonly #begunAt: number;
  #state = 'planned';
  #error: KeyferryError | null = null;
  #isCancelled = false;
  #abort: (() => void) | null = null;
  #reading: Promise<void> | null = null;

  constructor(run: RunContext) {
    this.#run = run;
    this.#prepared = new PreparedBlock(run);
    this.#begunAt = run.clock.now();
    run.approvals.keep(this.#keeper());
  }

  /** `ending`: that of a run whose end had begun, or of one that is to be cancelled; null: from the beginning. */
  start(ending: RunEnding | null): RunHandle {
    const aborted = new Promise<'aborted'>((resolve) => {
      this.#abort = () => resolve('aborted');
    });
    const result = Promise.race([this.#walk(ending), aborted]).then((end) =>
      end === 'aborted' ? this.#result() : end,
    );
    return {
      run: this.#run.run,
      result,
      interrupt: () => this.#run.stop.interrupt(),
      abort: () => {
        this.#run.stop.interrupt();
        this.#abort?.();
      },
    };
  }

  async #walk(ending: RunEnding | null): Promise<RunResult> {
    const effects: RunEffect[] = [];
    const actor = createActor(
      runMachine.provide({
        actions: {
          effect: (_, params) => {
            effects.push(params.do);
          },
        },
      }),
    ).start();
    const ticker = setInterval(() => this.#run.observer.progress(this.#progress()), PROGRESS_MS);
    const inbox = setInterval(() => void this.#readInbox(), INBOX_MS);
    try {
      await this.#run.journal.append({ kind: 'owner', event: 'started', pid: process.pid, host: '' });
      this.#isCancelled = ending?.state === 'cancelled';
      if (ending?.error) this.#error = KeyferryError.fromRecord(ending.error);
      actor.send({ type: ending === null ? 'begin' : ENDING_EVENTS[ending.state] });
      for (;;) {
        const state = String(actor.getSnapshot().value);
        await this.#enter(state);
        const effect = effects.pop() ?? 'none';
        effects.length = 0;
        if (actor.getSnapshot().status === 'done') break;
        actor.send(await this.#carryOut(effect));
      }
      await this.#run.journal.append({ kind: 'owner', event: 'stopped', pid: process.pid, host: '' });
    } catch (error) {
      // The journal itself failed, or a bug: nothing more can be written, so nothing more is done.
      if (!(error instanceof KeyferryError)) throw error;
      this.#error = error;
      this.#state = 'paused';
    } finally {
      clearInterval(ticker);
      clearInterval(inbox);
      actor.stop();
    }
    this.#run.observer.progress(this.#progress());
    return this.#result();
  }

  async #enter(state: string, why = this.#error?.message ?? null): Promise<void> {
    const from = publicState(this.#state);
    this.#state = state;
    const to = publicState(state);
    if (from === to) return;
    const ending = ENDINGS[state];
    await this.#run.journal.append({
      kind: 'phase',
      generation: this.#run.generation,
      from,
      to,
      reason: why,
      ...(ending === undefined ? {} : { ending: { state: ending, error: this.#error?.toRecord() ?? null } }),
    });
    this.#run.observer.progress(this.#progress());
  }

  /** While it waits the run shows as such, and then as what it was before. */
  #keeper(): GateKeeper {
    let before = this.#state;
    return {
      readInbox: () => this.#readInbox(),
      waiting: async (reason) => {
        before = this.#state;
        await this.#enter('waiting', reason);
      },
      passed: () => this.#enter(before),
    };
  }

  /** Carries an effect out and turns what became of it into the machine's next event. */
  async #carryOut(effect: RunEffect): Promise<RunEvent> {
    try {
      switch (effect) {
        case 'prepare':
          await this.#prepared.prepare();
          return { type: this.#isCancelled ? 'cancel' : 'prepared' };
        case 'prove':
          await this.#passItems();
          await guardWrappingKeys(this.#run, this.#scope());
          await proveRoute(this.#run, this.#prepared.steps);
          return { type: this.#isCancelled ? 'cancel' : 'proved' };
        case 'move':
          await this.#move(null);
          return { type: this.#isCancelled ? 'cancel' : 'moved' };
        case 'finish':
          await this.#finish();
          return { type: 'finished' };
        case 'none':
          throw new Error('this state has no effect to carry out');
      }
    } catch (error) {
      if (error instanceof KeyferryError) return this.#suspended(suspensionOf(error));
      if (error instanceof Suspension) return this.#suspended(error);
      throw error;
    }
  }

  #suspended(suspension: Suspension): RunEvent {
    if (suspension.error !== null) this.#error = suspension.error;
    if (suspension.kind === 'refused') return { type: 'refused' };
    if (suspension.kind === 'cancelled') return { type: 'cancel' };
    return { type: suspension.kind === 'approval' ? 'approval.missing' : 'stopped' };
  }

  /** Once for all items, before the first of them, or the canary, is touched. */
  async #passItems(): Promise<void> {
    const { canary, each, afterEach } = this.#run.playbook;
    if (canary !== null || this.#run.plan.summary.move > 0) await this.#run.approvals.pass([...each, ...afterEach]);
  }

  async #move(only: ReadonlySet<number> | null): Promise<void> {
    if (this.#run.playbook.each.length === 0) return;
    const { each, afterEach } = this.#run.playbook;
    const sequence = new Sequence({ id: 'item', onFailure: 'stop', undo: true }, each, afterEach);
    const items = new ItemRunner(this.#run, sequence, this.#prepared.steps);
    await new Mover(this.#run, items, () => this.#rate.finished(this.#run.clock.now())).move(only);
  }

  async #finish(): Promise<void> {
    this.#run.stop.clearDrain();
    if (!this.#prepared.isBegun) {
      await this.#prepared.recall();
      if (this.#isCancelled) await this.#finishBegun();
    }
    await this.#prepared.finish();
    if (this.#state !== 'finishing') this.#prepared.tellUnfinished();
  }

  /** What an earlier process had begun is finished, so that nothing is left half-way. */
  async #finishBegun(): Promise<void> {
    const begun = await begunItems(this.#run);
    if (begun.size === 0) return;
    try {
      await guardWrappingKeys(this.#run, this.#scope());
    } catch (error) {
      // Without its wrapping keys no item can be finished; that must not keep the run from ending.
      const isFinal =
        error instanceof KeyferryError && (error.scope === 'item' || suspensionOf(error).kind === 'refused');
      if (!isFinal) throw error;
      await parkItems(this.#run, begun, error);
      return;
    }
    if (begun.has(CANARY_ITEM)) await proveRoute(this.#run, this.#prepared.steps).catch(unlessRefused);
    begun.delete(CANARY_ITEM);
    if (begun.size > 0) await this.#move(begun);
  }

  /** One reading at a time: the next one deletes what this one gave out. */
  #readInbox(): Promise<void> {
    this.#reading ??= this.#takeMessages().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #takeMessages(): Promise<void> {
    try {
      for (const message of await this.#run.owned.readInbox()) {
        if (message.kind === 'approve') {
          await this.#run.approvals.take(message);
          continue;
        }
        if (this.#isCancelled) continue;
        this.#isCancelled = true;
        this.#run.stop.drain();
        await this.#run.journal.append({ kind: 'cancel', by: message.by });
        this.#run.approvals.wake();
        this.#run.observer.notice(`cancelled by ${message.by}: items in flight are finished, then the run cleans up`);
      }
    } catch {
      // An inbox that cannot be read now is read again in half a second; the run itself does not depend on it.
    }
  }

  #scope() {
    const { inputs } = this.#run;
    return scopeOf(newContext({ scope: 'prepare', item: null, inputs, steps: this.#prepared.steps, source: null }));
  }

  #progress(): Progress {
    const counts = this.#run.journal.counts();
    const rate = this.#rate.rate(this.#run.clock.now());
    return {
      state: publicState(this.#state),
      counts,
      rate,
      etaSeconds: rate === null || rate === 0 ? null : Math.round(counts.pending / rate),
    };
  }

  #result(): Promise<RunResult> {
    const state = publicState(this.#state);
    return outcomeOf({
      run: this.#run,
      state,
      seconds: (this.#run.clock.now() - this.#begunAt) / 1000,
      error: this.#error,
      isInterrupted: this.#run.stop.isInterrupted,
      held: state === 'done' || state === 'failed' || state === 'cancelled' ? [] : this.#prepared.held(),
    });
  }
}

/** A canary that fails has been removed again, which is all that a run to be cancelled wants of it. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof Suspension) || error.kind !== 'refused') throw error;
}
