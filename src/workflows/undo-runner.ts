/** Takes back what a failed item created, newest first. It touches only objects whose making this run has journalled. */
import type { ActionCall, BoundDevice, Device, Reconciliation } from '../adapters/adapter.ts';
import { type CallOutcome, KeyferryError } from '../errors/keyferry-error.ts';
import type { CallId } from '../journal/journal.ts';
import { isKeyRef } from '../keys/key-record.ts';
import { labelText } from '../keys/locator.ts';
import { backoffMs } from './call-clock.ts';
import { BACKOFF, patiently, TRANSIENT_ATTEMPTS } from './patience.ts';
import type { SequenceEvent } from './sequence.machine.ts';
import type { Created, SequenceContext } from './sequence-context.ts';
import type { StepEnvironment } from './step-runner.ts';
import { suspensionOf } from './suspension.ts';

type UndoEnvironment = Pick<StepEnvironment, 'journal' | 'devices' | 'generation' | 'salt' | 'clock' | 'leftover'>;

export class UndoRunner {
  readonly #env: UndoEnvironment;

  constructor(environment: UndoEnvironment) {
    this.#env = environment;
  }

  async undo(context: SequenceContext): Promise<Extract<SequenceEvent, 'undone' | 'undo.failed'>> {
    let isClean = true;
    for (const created of [...context.created].reverse()) {
      if (!(await this.takeBack(created, context))) isClean = false;
    }
    if (isClean) {
      context.target = null;
      context.reason = withUndone(context);
    }
    context.created.length = 0;
    return isClean ? 'undone' : 'undo.failed';
  }

  /** False: something of it is left, and is listed as such. */
  async takeBack(created: Created, context: SequenceContext): Promise<boolean> {
    const { step, outputs } = created;
    const device = this.#env.devices.get(step.target);
    const calls = step.spec.undo ?? [];
    if (device === undefined || calls.length === 0) {
      this.#env.leftover(step.target, `what step ${step.id} created`, 'the action has no undo');
      return false;
    }
    let isClean = true;
    for (const undo of calls) {
      const value = outputs[undo.output];
      if (value === undefined) continue;
      const name = { scope: 'undo', item: context.item, step: `${step.id}.${undo.output}` } as const;
      const request = { action: undo.action, args: { [undo.argument]: value }, salt: this.#env.salt };
      const failure = await this.#remove(name, step.target, device, request);
      if (failure === null) continue;
      isClean = false;
      this.#env.leftover(step.target, describe(value), `could not be removed: ${failure.message}`);
    }
    return isClean;
  }

  /** null: it is gone. A call without an answer is settled by asking the device; only what is still there is tried again. */
  async #remove(
    name: Pick<CallId, 'scope' | 'item' | 'step'>,
    role: string,
    { device }: BoundDevice,
    request: ActionCall,
  ): Promise<KeyferryError | null> {
    const { journal, generation, clock } = this.#env;
    for (let attempt = 1; ; attempt += 1) {
      const call: CallId = { generation, ...name, attempt };
      const outcome = (result: CallOutcome, settled: boolean, error: KeyferryError | null): void =>
        journal.note({ kind: 'outcome', call, result, settled, outputs: null, error: error?.toRecord() ?? null });
      await journal.append({ kind: 'intent', call, action: request.action, device: role, expectation: null });
      try {
        await device.perform(request);
        outcome('applied', true, null);
        return null;
      } catch (error) {
        if (!(error instanceof KeyferryError)) throw error;
        // Gone is what undo wants.
        const isGone = error.code === 'key-not-found';
        const isUnknown = !isGone && error.outcome === 'unknown';
        outcome(isGone ? 'applied' : error.outcome, !isUnknown, isGone ? null : error);
        if (isGone) return null;
        if (error.scope === 'run') throw suspensionOf(error);
        if (isUnknown) {
          const found = await this.#ask(device, request);
          if (found === null) return error;
          outcome(found === 'done' ? 'applied' : found === 'absent' ? 'not-applied' : 'unknown', true, error);
          if (found === 'done') return null;
          if (found === 'ambiguous') return error;
        } else if (error.scope !== 'transient') return error;
        if (attempt >= TRANSIENT_ATTEMPTS) return error;
        await clock.sleep(backoffMs(BACKOFF, attempt, clock.random()));
      }
    }
  }

  /** null: the device could not even be asked. */
  async #ask(device: Device, request: ActionCall): Promise<Reconciliation['state'] | null> {
    try {
      return (await patiently(this.#env.clock, () => device.reconcile(request, null))).state;
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      if (error.scope === 'run') throw suspensionOf(error);
      return null;
    }
  }
}

/** Why the item failed, and that nothing of it is left: else somebody goes and looks. */
function withUndone({ reason, failure, created }: SequenceContext): string | null {
  const why = reason ?? failure?.message;
  if (why === undefined || created.length === 0) return reason;
  const calls = created
    .toReversed()
    .flatMap(({ step, outputs }) =>
      (step.spec.undo ?? []).flatMap(({ action, output }) =>
        outputs[output] === undefined ? [] : [`${step.target}.${action}`],
      ),
    );
  return `${why.replace(/[.]?$/, '.')} What was made for it was taken back: ${[...new Set(calls)].join(', ')}.`;
}

export function describe(value: unknown): string {
  if (!isKeyRef(value)) return 'an object';
  const { locator } = value;
  const label = labelText(locator.label) ?? `hex ${locator.label}`;
  return `${locator.class} key (${locator.type}) label "${label}"${locator.id === '' ? '' : ` id ${locator.id}`}`;
}
