/** The `prepare` and `finally` blocks: what is made once for the run, and taken down when it ends. */
import type { Outputs } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { previewArguments, templateReferences } from '../plan/preview-arguments.ts';
import type { Step } from '../playbook/model.ts';
import { missingSteps, scopeOf } from './arguments.ts';
import { wipePrepared } from './clear-keys.ts';
import { Derivation } from './derivation.ts';
import { readHistory } from './history.ts';
import type { RunContext } from './run-environment.ts';
import { newContext, type SequenceContext } from './sequence-context.ts';
import { Sequence } from './sequence-runner.ts';
import { Suspension } from './suspension.ts';
import { describe } from './undo-runner.ts';

type Steps = Readonly<Record<string, Outputs>>;

export class PreparedBlock {
  readonly #run: RunContext;
  #context: SequenceContext | null = null;

  constructor(run: RunContext) {
    this.#run = run;
  }

  /** This process knows what was made. */
  get isBegun(): boolean {
    return this.#context !== null;
  }

  get steps(): Steps {
    return this.#context?.steps ?? {};
  }

  /** Makes what is missing, finds again what an earlier process made. */
  async prepare(): Promise<void> {
    const context = await this.#begin();
    const sequence = new Sequence({ id: 'prepare', onFailure: 'stop', undo: false }, this.#run.playbook.prepare);
    const verdict = await sequence.walk(context, this.#run.runner);
    if (verdict === 'done') {
      wipePrepared(context.steps, this.#run.playbook);
      return;
    }
    const why = context.reason ?? context.failure?.message ?? 'a step did not say what it did';
    const parked = new KeyferryError('needs-attention', `prepare: ${why}`, { scope: 'run', cause: context.failure });
    if (verdict === 'attention') throw new Suspension('stopped', parked);
    throw new Suspension('refused', context.failure ?? parked);
  }

  /** Only finds again what was made: for a run that is cancelled, so that `finally` knows what to remove. */
  async recall(): Promise<void> {
    const context = await this.#begin();
    for (const step of this.#run.playbook.prepare) {
      const known = context.known.get(step.id);
      if (known === undefined) {
        if (this.#isAskedFor(step, context)) await this.#readAgain(step, context);
        continue;
      }
      if (known.state === 'applied') {
        context.steps[step.id] = known.outputs;
        if (step.spec.effect === 'create') context.created.push({ step, outputs: known.outputs });
        continue;
      }
      if (missingSteps(step, context.steps).length > 0) {
        this.#run.leftovers.add(step.target, `what step ${step.id} made`, 'what it was made from cannot be read again');
        continue;
      }
      // What is only looked for is found without its secrets, which nobody may have at hand to cancel a run.
      const args = previewArguments(step, scopeOf(context));
      context.unsettled = { call: known.call, step, args, expectation: known.expectation, ended: null };
      const event = await this.#run.runner.carryOut({ do: 'settle', step: step.id }, step, context);
      if (event === 'settled.ambiguous')
        this.#run.leftovers.add(step.target, `what step ${step.id} made`, context.reason ?? 'not known');
    }
  }

  /** A reading step without whose outputs an open call cannot be settled. */
  #isAskedFor(step: Step, context: SequenceContext): boolean {
    if (step.spec.effect !== 'read') return false;
    return this.#run.playbook.prepare.some(
      (other) => context.known.get(other.id)?.state === 'open' && missingSteps(other, context.steps).includes(step.id),
    );
  }

  async #readAgain(step: Step, context: SequenceContext): Promise<void> {
    await new Sequence({ id: 'recall', onFailure: 'go-on', undo: false }, [step]).walk(context, this.#run.runner);
  }

  async finish(): Promise<void> {
    const { journal, generation, devices, salt, clock, playbook, inputs } = this.#run;
    // What an earlier process made after the step at which this one failed has to be taken down too.
    for (const step of playbook.prepare) {
      const made = this.#context?.known.get(step.id);
      if (made?.state !== 'applied' || this.#context === null || step.id in this.#context.steps) continue;
      this.#context.steps[step.id] = made.outputs;
      if (step.spec.effect === 'create') this.#context.created.push({ step, outputs: made.outputs });
    }
    const history = { journal, generation, devices, salt, clock, item: null } as const;
    const known = await readHistory({ ...history, steps: playbook.finally, scopes: ['finally'] });
    const context = newContext({ scope: 'finally', item: null, inputs, steps: this.steps, source: null, known });
    const sequence = new Sequence({ id: 'finally', onFailure: 'go-on', undo: false }, playbook.finally);
    await sequence.walk(context, this.#run.runner);
  }

  /** What `prepare` made and `finally` does not delete is the result of a run that is done, and a leftover of one that is not. */
  tellUnfinished(): void {
    const deletes = this.#run.playbook.finally.filter((step) => step.spec.effect === 'destroy');
    const named = deletes.flatMap((step) => Object.values(step.with).flatMap(templateReferences));
    const isDeleted = (step: string, output: string): boolean =>
      named.some((reference) => reference.kind === 'step' && reference.step === step && reference.output === output);
    for (const { step, outputs } of this.#context?.created ?? []) {
      for (const { output } of step.spec.undo ?? []) {
        if (isDeleted(step.id, output)) continue;
        const why = `made by step ${step.id} of a run that did not come to its end; delete it if nothing needs it`;
        this.#run.leftovers.add(step.target, describe(outputs[output]), why);
      }
    }
  }

  /** Objects that `prepare` made and that an open run still holds. */
  held(): { readonly device: string; readonly object: string }[] {
    const held: { device: string; object: string }[] = [];
    for (const { step, outputs } of this.#context?.created ?? []) {
      for (const { output } of step.spec.undo ?? [])
        held.push({ device: step.target, object: describe(outputs[output]) });
    }
    return held;
  }

  async #begin(): Promise<SequenceContext> {
    const { journal, generation, devices, salt, clock, inputs, playbook } = this.#run;
    const history = { journal, generation, devices, salt, clock, item: null } as const;
    const known = await readHistory({ ...history, steps: playbook.prepare, scopes: ['prepare'] });
    // What the keys' own steps take from here has to be there for them.
    const chain = new Derivation([...playbook.prepare, ...playbook.each, ...playbook.afterEach]);
    this.#context = newContext({ scope: 'prepare', item: null, inputs, steps: {}, source: null, known, chain });
    return this.#context;
  }
}
