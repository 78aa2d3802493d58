/**
 * Carries out the effects of a sequence. Every call that changes a device is bracketed: the intent is durable before it, the outcome is
 * journalled after it, and a call without an answer is settled by asking the device, never by trying again blindly.
 */
import {
  type ActionCall,
  type ActionResult,
  arrivalOf,
  type BoundDevice,
  type Expectation,
  type Outputs,
  type Violation,
} from '../adapters/adapter.ts';
import type { ErrorCode } from '../errors/codes.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { CallId, Journal } from '../journal/journal.ts';
import { isKeyRef } from '../keys/key-record.ts';
import { previewArguments } from '../plan/preview-arguments.ts';
import type { Step } from '../playbook/model.ts';
import type { ApprovalGate } from './approval-gate.ts';
import { missingSteps, requireInputs, resolveArguments, scopeOf } from './arguments.ts';
import { type BuiltIns, isBuiltIn } from './built-ins.ts';
import { backoffMs, type CallClock } from './call-clock.ts';
import { ending, endsInTime, timed, violationError } from './call-end.ts';
import { adoptResult, durableOutputs } from './durable-outputs.ts';
import { noteProof } from './note-proof.ts';
import { patiently, TRANSIENT_ATTEMPTS } from './patience.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { hasExpired, isOutlived, isPassedOver, outdated, renew } from './renewal.ts';
import type { Effect, SequenceEvent } from './sequence.machine.ts';
import type { Created, KnownCall, SequenceContext } from './sequence-context.ts';
import { Suspension, suspensionOf } from './suspension.ts';
import { UndoRunner } from './undo-runner.ts';

/** The device says that what it was given is good no longer: it is made anew where that can be done. */
const ENDED: ReadonlySet<ErrorCode> = new Set(['import-parameters-expired', 'quorum-token-ended']);

export interface StepEnvironment {
  readonly journal: Journal;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly generation: number;
  readonly salt: Uint8Array;
  readonly limiter: RateLimiter;
  readonly clock: CallClock;
  readonly builtIns: BuiltIns;
  readonly approvals: Pick<ApprovalGate, 'pass' | 'looksAgain' | 'came' | 'givenUp'>;
  /** True once the run must not start anything more. */
  isStopping(): boolean;
  /** Resolves when that becomes so. */
  readonly interruption: Promise<void>;
  leftover(device: string, object: string, reason: string): void;
}

export class StepRunner {
  readonly #env: StepEnvironment;
  readonly #undo: UndoRunner;

  constructor(environment: StepEnvironment) {
    this.#env = environment;
    this.#undo = new UndoRunner(environment);
  }

  carryOut(effect: Effect, step: Step | undefined, context: SequenceContext): Promise<SequenceEvent> {
    if (this.#env.isStopping() && effect.do !== 'settle') throw new Suspension('stopped', null);
    if (effect.do === 'undo') return this.#undo.undo(context);
    if (step === undefined) throw new Error(`effect ${effect.do} names no step`);
    switch (effect.do) {
      case 'step':
        return this.#step(step, context);
      case 'settle':
        return this.#settle(step, context);
      case 'wait':
        return Promise.race([this.#env.clock.sleep(context.retryDelayMs), this.#env.interruption]).then(
          () => 'timer.fired',
        );
      case 'end':
        throw new Error('an ended sequence has nothing to carry out');
    }
  }

  async #step(step: Step, context: SequenceContext): Promise<SequenceEvent> {
    if (context.done.has(step.id) || context.unneeded.has(step.id)) return 'step.done';
    const known = context.known.get(step.id);
    if (known?.state === 'applied') {
      context.known.delete(step.id);
      const event = this.#arrived(step, context, known.outputs, known.violation === null ? [] : [known.violation]);
      if (event !== 'step.done' || !isOutlived(step, context)) return event;
    }
    const isBegun = known?.state === 'open';
    if (isBegun && isPassedOver(step, context)) {
      context.known.delete(step.id);
      return this.#begun(step, context, known, previewArguments(step, scopeOf(context)));
    }
    if (isPassedOver(step, context) && renew(step, context)) return 'step.renew';
    if (missingSteps(step, context.steps).length > 0) return 'step.done';
    const scope = scopeOf(context);
    if (step.when !== null && step.when.evaluate(scope) !== true) return 'step.done';
    if (step.approval !== null) await this.#env.approvals.pass([step]);
    let args: Record<string, unknown>;
    try {
      requireInputs(step, scope.inputs);
      args = resolveArguments(step.with, scope);
      if (isBegun) {
        context.known.delete(step.id);
        return this.#begun(step, context, known, args);
      }
      const old = outdated(step, context);
      if (old !== undefined) await this.#takeBack(old, context);
      if (isBuiltIn(step)) return this.#finish(step, context, await this.#env.builtIns.run(step, args, context), false);
      const device = this.#device(step);
      await this.#env.limiter.acquire(step.spec, device.description);
      if (this.#env.isStopping()) throw new Suspension('stopped', null);
      if (hasExpired(args, this.#env.clock.now()) && renew(step, context)) return 'step.renew';
      if (step.spec.effect === 'read') {
        const result = adoptResult(
          await timed(step, device.device.perform({ action: step.action, args, salt: this.#env.salt })),
          step.target,
        );
        return this.#finish(step, context, result, false);
      }
      return await this.#change(step, context, device, args);
    } catch (error) {
      return this.#failed(step, context, error);
    }
  }

  /** An earlier process made this call, and nobody heard the answer. */
  #begun(
    step: Step,
    context: SequenceContext,
    known: Extract<KnownCall, { state: 'open' }>,
    args: Readonly<Record<string, unknown>>,
  ): SequenceEvent {
    context.unsettled = { call: known.call, step, args, expectation: known.expectation, ended: null };
    return 'step.unknown';
  }

  async #takeBack(created: Created, context: SequenceContext): Promise<void> {
    await this.#undo.takeBack(created, context);
    const at = context.created.indexOf(created);
    if (at !== -1) context.created.splice(at, 1);
  }

  async #change(
    step: Step,
    context: SequenceContext,
    device: BoundDevice,
    args: Record<string, unknown>,
  ): Promise<SequenceEvent> {
    let expectation: Expectation | null = null;
    if (step.spec.effect === 'create') {
      const forecast = await device.device.expect(
        { action: step.action, args, salt: this.#env.salt },
        this.#sourceOf(step, context),
      );
      if (forecast.already !== null) return this.#alreadyThere(step, context, device, forecast.already);
      expectation = forecast.expectation;
    }
    const call: CallId = {
      generation: this.#env.generation,
      scope: context.scope,
      item: context.item,
      step: step.id,
      attempt: this.#attempt(step, context),
    };
    await this.#env.journal.append({ kind: 'intent', call, action: step.action, device: step.target, expectation });
    const request = this.#request(step, args, expectation);
    let performing = device.device.perform(request);
    const again = (): Promise<ActionResult> => {
      performing = device.device.perform(request);
      return performing;
    };
    try {
      const result = adoptResult(await this.#approved(step, performing, again), step.target);
      this.#outcome(call, step, result.outputs, result.violations);
      return this.#finish(step, context, result, true);
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      const isUnknown = error.outcome === 'unknown';
      this.#env.journal.note({
        kind: 'outcome',
        call,
        result: error.outcome,
        settled: !isUnknown,
        outputs: null,
        error: error.toRecord(),
      });
      if (!isUnknown) throw error.code === 'approval-waiting' ? (this.#env.approvals.givenUp() ?? error) : error;
      context.unsettled = { call, step, args, expectation, ended: ending(performing) };
      context.failure = error;
      if (error.scope === 'run') throw suspensionOf(error);
      return 'step.unknown';
    }
  }

  /** A call that found signatures missing has changed nothing: where the run waits for them, it is made again. */
  async #approved(step: Step, first: Promise<ActionResult>, again: () => Promise<ActionResult>): Promise<ActionResult> {
    for (let call = first; ; call = again()) {
      try {
        const result = await timed(step, call);
        await this.#env.approvals.came();
        return result;
      } catch (error) {
        const isWaiting = error instanceof KeyferryError && error.code === 'approval-waiting';
        if (isWaiting && (await this.#env.approvals.looksAgain(error))) continue;
        if (!isWaiting) await this.#env.approvals.came();
        throw error;
      }
    }
  }

  async #settle(step: Step, context: SequenceContext): Promise<SequenceEvent> {
    const unsettled = context.unsettled;
    if (unsettled === null) throw new Error('nothing to settle');
    const { call, args, expectation } = unsettled;
    const device = this.#device(step);
    if (unsettled.ended !== null && !(await endsInTime(unsettled.ended))) {
      context.reason = `${step.target} ${step.action}: the call has not come back, so nothing more is done with this key`;
      return 'settled.ambiguous';
    }
    try {
      const request = this.#request(step, args, expectation);
      const source = this.#sourceOf(step, context);
      const found = await patiently(this.#env.clock, () => device.device.reconcile(request, source));
      context.unsettled = null;
      if (found.state === 'done') {
        const result = adoptResult(found, step.target);
        // Made from what an earlier process had asked for and took with it: nobody can use it any more.
        if (unsettled.ended === null && isOutlived(step, context)) {
          this.#outcome(call, step, result.outputs, []);
          await this.#takeBack({ step, outputs: result.outputs }, context);
          this.#scheduleRetry(step, context, true);
          return 'settled.absent';
        }
        this.#outcome(call, step, result.outputs, result.violations);
        const event = this.#arrived(step, context, result.outputs, result.violations);
        return event === 'step.done' ? 'settled.done' : 'step.failed';
      }
      this.#env.journal.note({
        kind: 'outcome',
        call,
        result: found.state === 'absent' ? 'not-applied' : 'unknown',
        settled: true,
        outputs: null,
        error: context.failure?.toRecord() ?? null,
      });
      if (found.state === 'ambiguous') {
        context.reason = `${step.target} ${step.action}: ${found.reason}`;
        return 'settled.ambiguous';
      }
      // In another process the call was cut off by a crash: that is no attempt of its own.
      const wasCutOff = unsettled.ended === null;
      if (!wasCutOff && this.#attempt(step, context) >= attemptsOf(step)) return 'step.failed';
      context.failure = null;
      // It may have used up what is good once, without an effect: that it is made anew is then counted by the attempts.
      context.renewals = 0;
      this.#scheduleRetry(step, context, wasCutOff);
      return 'settled.absent';
    } catch (error) {
      if (error instanceof KeyferryError && error.scope !== 'run') {
        context.reason = `${step.target} ${step.action}: ${error.message}`;
        return 'settled.ambiguous';
      }
      throw error instanceof KeyferryError ? suspensionOf(error) : error;
    }
  }

  #request(step: Step, args: Readonly<Record<string, unknown>>, expectation: Expectation | null): ActionCall {
    return { action: step.action, args, salt: this.#env.salt, ...(expectation === null ? {} : { expectation }) };
  }

  #failed(step: Step, context: SequenceContext, error: unknown): SequenceEvent {
    if (!(error instanceof KeyferryError)) throw error;
    const inside = isTolerant(step);
    if (error.scope === 'run') throw suspensionOf(error);
    if (ENDED.has(error.code) && renew(step, context)) return 'step.renew';
    const limit = error.scope === 'transient' ? attemptsOf(step) : 1;
    if (this.#attempt(step, context) < limit) {
      this.#scheduleRetry(step, context, false);
      return 'step.retry';
    }
    if (step.spec.role?.kind === 'check' && step.otherwise === 'skip') {
      context.reason = error.message;
      return 'step.skip';
    }
    // What is to be removed and is gone already needs no removing.
    if (inside && step.spec.effect === 'destroy' && error.code === 'key-not-found') return 'step.done';
    if (inside) this.#env.leftover(step.target, `${step.target}.${step.action} (step ${step.id})`, error.message);
    else context.failure = error;
    return 'step.failed';
  }

  #finish(step: Step, context: SequenceContext, result: ActionResult, isChange: boolean): SequenceEvent {
    if (!isChange && result.violations.length > 0) throw violationError(step, result.violations, 'not-applied');
    return this.#arrived(step, context, result.outputs, result.violations);
  }

  /** Takes outputs in; what the device did otherwise than asked fails the item or, for wrapping keys, the run. */
  #arrived(
    step: Step,
    context: SequenceContext,
    outputs: Outputs,
    violations: readonly (Violation | KeyferryError)[],
  ): Extract<SequenceEvent, 'step.done' | 'step.failed'> {
    context.steps[step.id] = outputs;
    context.done.add(step.id);
    if (step.spec.effect === 'create') context.created.push({ step, outputs });
    const arrival = arrivalOf(step.spec);
    const key = arrival === null ? null : outputs[arrival.key];
    if (isKeyRef(key)) context.target = { kind: 'key', device: step.target, locator: key.locator };
    const [first] = violations;
    if (first === undefined && step.spec.role?.kind === 'import') {
      context.verification = { method: String(outputs[step.spec.role.method]), strength: 'strong', result: 'same' };
    }
    if (first === undefined && step.spec.role?.kind === 'prove') noteProof(step.spec.role, outputs, context);
    if (first === undefined) return 'step.done';
    const error =
      first instanceof KeyferryError ? first : violationError(step, violations as readonly Violation[], 'applied');
    if (error.scope === 'run') throw suspensionOf(error);
    context.failure = error;
    return 'step.failed';
  }

  #alreadyThere(step: Step, context: SequenceContext, device: BoundDevice, already: unknown): SequenceEvent {
    if (isKeyRef(already)) context.target = { kind: 'key', device: step.target, locator: already.locator };
    context.reason = `already-there: ${device.settings.name} has this key, by name and fingerprint`;
    return 'step.skip';
  }

  #outcome(call: CallId, step: Step, outputs: Outputs, violations: readonly Violation[]): void {
    const error = violations.length === 0 ? null : violationError(step, violations, 'applied').toRecord();
    this.#env.journal.note({
      kind: 'outcome',
      call,
      result: 'applied',
      settled: true,
      outputs: durableOutputs(step.spec, outputs),
      error,
    });
  }

  #device(step: Step): BoundDevice {
    const device = this.#env.devices.get(step.target);
    if (device === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${step.target}`);
    return device;
  }

  #sourceOf(
    step: Step,
    context: SequenceContext,
  ): { fingerprint: NonNullable<NonNullable<SequenceContext['source']>['fingerprint']>; salt: Uint8Array } | null {
    const fingerprint = step.spec.role?.kind === 'unwrap' ? (context.source?.fingerprint ?? null) : null;
    return fingerprint === null ? null : { fingerprint, salt: this.#env.salt };
  }

  #attempt(step: Step, context: SequenceContext): number {
    return context.attempts.get(step.id) ?? 1;
  }

  #scheduleRetry(step: Step, context: SequenceContext, atOnce: boolean): void {
    const attempt = this.#attempt(step, context);
    context.attempts.set(step.id, attempt + 1);
    context.retryDelayMs = atOnce ? 0 : backoffMs(step.retry, attempt, this.#env.clock.random());
  }
}

/** A service with quotas throttles for longer than a busy device is busy. What the playbook says stands. */
const attemptsOf = ({ retry, spec }: Step): number =>
  retry.attempts ?? (spec.quotas === undefined ? TRANSIENT_ATTEMPTS : 2 * TRANSIENT_ATTEMPTS);

const isTolerant = (step: Step): boolean => step.block === 'after-each' || step.block === 'finally';
