/** Every name of a playbook that its expressions may use, and what each place of the playbook may see of them. */
import type { OutputSpec } from '../adapters/adapter.ts';
import type { ValueType } from '../schema/shape.ts';
import type { Block, InputSpec } from './model.ts';

export interface StepSymbol {
  readonly block: Block;
  /** Place in its block, from 0. */
  readonly index: number;
  /** null: the step's action is not known, which is reported where it stands; nothing is said of its outputs. */
  readonly outputs: Readonly<Record<string, OutputSpec>> | null;
}

export interface Symbols {
  /** null: declared with an error, reported there. */
  readonly inputs: ReadonlyMap<string, InputSpec | null>;
  readonly steps: ReadonlyMap<string, StepSymbol>;
}

/** What one place may name. */
export interface View {
  readonly inputs: boolean;
  readonly key: boolean;
  readonly item: boolean;
  readonly counts: boolean;
  /** undefined: no steps here. `index`: steps of the same block from this one on do not exist yet. */
  readonly steps?: { readonly block: Block; readonly index: number };
}

export const INPUTS_ONLY: View = { inputs: true, key: false, item: false, counts: false };

/** undefined when the step may be named from there, else why not. */
export function hiddenBecause(step: StepSymbol, view: View): string | undefined {
  const from = view.steps;
  if (from === undefined) return 'steps have not run yet here';
  if (step.block === from.block) return step.index < from.index ? undefined : 'it runs later';
  if (step.block === 'prepare') return undefined;
  if (step.block === 'each' && from.block === 'after-each') return undefined;
  return `${from.block} does not see the steps of ${step.block}`;
}

export function inputType(input: InputSpec): ValueType {
  switch (input.type) {
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'secret':
      return 'secret';
    case 'string':
    case 'path':
      return 'string';
  }
}

export const isOpaque = (type: ValueType): boolean => type === 'key' || type === 'artifact' || type === 'secret';
