/**
 * What can be used once only. A step that asks for import parameters gets others each time, so whatever was made from the first ones (a
 * public key brought to the source, a key wrapped under it) is worth nothing with the second. The chain is such a step and all that is
 * made from it; it ends where a step uses it up: an import, whose effect stays. After a crash a chain that was used up is left alone, and
 * one that was not is made anew from its beginning.
 */
import { arrivalOf } from '../adapters/adapter.ts';
import { templateReferences } from '../plan/preview-arguments.ts';
import type { Step } from '../playbook/model.ts';
import type { KnownCall } from './sequence-context.ts';

export class Derivation {
  /** Step → the steps of the chain that it takes something from. */
  readonly #takes = new Map<string, readonly string[]>();
  readonly #chain = new Map<string, Step>();
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    for (const step of steps) {
      const taken = namedBy(step).filter((name) => this.#chain.has(name));
      if (taken.length > 0) this.#takes.set(step.id, taken);
      if (isGivenOnce(step) || (taken.length > 0 && isPassedOn(step))) this.#chain.set(step.id, step);
    }
  }

  has(step: string): boolean {
    return this.#chain.has(step);
  }

  takenBy(step: string): readonly string[] {
    return this.#takes.get(step) ?? [];
  }

  /** Everything of the chain that a step rests on, near and far. */
  under(step: string): ReadonlySet<string> {
    const found = new Set<string>();
    const add = (name: string): void => {
      for (const taken of this.takenBy(name)) {
        if (!found.has(taken)) {
          found.add(taken);
          add(taken);
        }
      }
    };
    add(step);
    return found;
  }

  /** Step → where to begin again when what it takes has to be made anew. */
  restarts(): Readonly<Record<string, string>> {
    const starts: Record<string, string> = {};
    for (const { id } of this.#steps) {
      const under = this.under(id);
      const first = this.#steps.find((step) => under.has(step.id));
      if (first !== undefined) starts[id] = first.id;
    }
    return starts;
  }

  /**
   * Reading steps of the chain that nothing asks for any more, given what the journal knows: asking again would only spend quota. A call
   * that was begun and never answered is settled first; only when it turns out not to have been applied is the chain needed.
   */
  unneeded(known: ReadonlyMap<string, KnownCall>): Set<string> {
    const found = new Set<string>();
    if (known.size === 0) return found;
    const consumers = (id: string): readonly Step[] =>
      this.#steps.filter((step) => step.spec.effect !== 'destroy' && this.takenBy(step.id).includes(id));
    const isNeeded = (id: string): boolean => {
      const all = consumers(id);
      return all.length === 0 || all.some(isStillToCome);
    };
    const isStillToCome = (step: Step): boolean => {
      if (!this.#chain.has(step.id)) return !known.has(step.id);
      return step.spec.effect === 'read' || known.has(step.id) ? isNeeded(step.id) : true;
    };
    for (const [id, step] of this.#chain) if (step.spec.effect === 'read' && !isNeeded(id)) found.add(id);
    return found;
  }
}

export const NO_DERIVATION = new Derivation([]);

const namedBy = (step: Step): readonly string[] =>
  [...Object.values(step.with).flatMap(templateReferences), ...(step.when?.references ?? [])].flatMap((reference) =>
    reference.kind === 'step' ? [reference.step] : [],
  );

const isGivenOnce = (step: Step): boolean =>
  Object.values(step.spec.outputs).some(({ lifetime }) => lifetime === 'once' || lifetime === 'perishable');

/**
 * Its outcome is but a form of what it was given: reading again, or making again, gives the form of something else. A user whom a signed
 * token allowed to be made is not made of the token.
 */
function isPassedOn(step: Step): boolean {
  const { effect, role, outputs } = step.spec;
  if (role?.kind === 'check' || role?.kind === 'prove') return false;
  const isKeyMade = effect === 'create' && Object.values(outputs).some(({ type }) => type === 'key');
  return effect === 'read' || (isKeyMade && arrivalOf(step.spec) === null);
}
