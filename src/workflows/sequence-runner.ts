/** Walks a context through a compiled sequence until its end. */
import type { Step } from '../playbook/model.ts';
import { Derivation } from './derivation.ts';
import type { SequenceSpec, Verdict } from './sequence.machine.ts';
import type { SequenceContext } from './sequence-context.ts';
import { compileSequence, effectOf, nextState, type SequenceTable } from './sequence-table.ts';
import type { StepRunner } from './step-runner.ts';

export class Sequence {
  readonly table: SequenceTable;
  readonly chain: Derivation;
  readonly #steps: ReadonlyMap<string, Step>;

  constructor(
    spec: Omit<SequenceSpec, 'steps' | 'after' | 'restarts'>,
    steps: readonly Step[],
    after: readonly Step[] = [],
  ) {
    const ids = (list: readonly Step[]): string[] => list.map((step) => step.id);
    this.chain = new Derivation([...steps, ...after]);
    const restarts = new Derivation(steps).restarts();
    this.table = compileSequence({ ...spec, steps: ids(steps), after: ids(after), restarts });
    this.#steps = new Map([...steps, ...after].map((step) => [step.id, step]));
  }

  /** Rejects with Suspension when the run has to stop; the walk can be begun anew from the journal. */
  async walk(context: SequenceContext, runner: StepRunner): Promise<Verdict> {
    let state = this.table.initial;
    for (;;) {
      const effect = effectOf(this.table, state);
      if (effect.do === 'end') return effect.verdict;
      const step = effect.do === 'undo' ? undefined : this.#steps.get(effect.step);
      state = nextState(this.table, state, await runner.carryOut(effect, step, context));
    }
  }
}
