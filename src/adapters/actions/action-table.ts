/** A device's actions as the adapter keeps them, to be found by name, and as it declares them. */
import type { ActionSpec } from '../adapter.ts';

interface Declared {
  readonly spec: ActionSpec;
}

export const tableOf = <Each extends Declared>(actions: readonly Each[]): ReadonlyMap<string, Each> =>
  new Map(actions.map((action) => [action.spec.name, action]));

export const specsOf = (actions: readonly Declared[]): Readonly<Record<string, ActionSpec>> =>
  Object.fromEntries(actions.map(({ spec }) => [spec.name, spec]));
