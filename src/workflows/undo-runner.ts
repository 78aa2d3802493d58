/** Takes back what a failed item created, newest first. It touches only objects whose making this run has journalled. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { CallId } from '../journal/journal.ts';
import { isKeyRef } from '../keys/key-record.ts';
import { labelText } from '../keys/locator.ts';
import type { SequenceEvent } from './sequence.machine.ts';
import type { Created, SequenceContext } from './sequence-context.ts';
import type { StepEnvironment } from './step-runner.ts';
import { suspensionOf } from './suspension.ts';

type UndoEnvironment = Pick<StepEnvironment, 'journal' | 'devices' | 'generation' | 'salt' | 'leftover'>;

export class UndoRunner {
  readonly #env: UndoEnvironment;

  constructor(environment: UndoEnvironment) {
    this.#env = environment;
  }

  async undo(context: SequenceContext): Promise<Extract<SequenceEvent, 'undone' | 'undo.failed'>> {
    let isClean = true;
    for (const created of [...context.created].reverse()) {
      if (!(await this.#undoOne(created, context))) isClean = false;
    }
    if (isClean) context.target = null;
    context.created.length = 0;
    return isClean ? 'undone' : 'undo.failed';
  }

  async #undoOne(created: Created, context: SequenceContext): Promise<boolean> {
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
      const call: CallId = {
        generation: this.#env.generation,
        scope: 'undo',
        item: context.item,
        step: `${step.id}.${undo.output}`,
        attempt: 1,
      };
      await this.#env.journal.append({
        kind: 'intent',
        call,
        action: undo.action,
        device: step.target,
        expectation: null,
      });
      try {
        await device.device.perform({ action: undo.action, args: { [undo.argument]: value }, salt: this.#env.salt });
        this.#env.journal.note({ kind: 'outcome', call, result: 'applied', settled: true, outputs: null, error: null });
      } catch (error) {
        if (!(error instanceof KeyferryError)) throw error;
        // Gone is what undo wants.
        const isGone = error.code === 'key-not-found';
        this.#env.journal.note({
          kind: 'outcome',
          call,
          result: isGone ? 'applied' : error.outcome,
          settled: error.outcome !== 'unknown',
          outputs: null,
          error: isGone ? null : error.toRecord(),
        });
        if (isGone) continue;
        if (error.scope === 'run') throw suspensionOf(error);
        isClean = false;
        this.#env.leftover(step.target, describe(value), `could not be removed: ${error.message}`);
      }
    }
    return isClean;
  }
}

export function describe(value: unknown): string {
  if (!isKeyRef(value)) return 'an object';
  const { locator } = value;
  const label = labelText(locator.label) ?? `hex ${locator.label}`;
  return `${locator.class} key (${locator.type}) label "${label}"${locator.id === '' ? '' : ` id ${locator.id}`}`;
}
