/** One action of a cluster's administration: what it declares, and what it does through the tool. */
import type { Arguments } from '../../../actions/action.ts';
import type { ActionCall, ActionResult, ActionSpec, Finding, Forecast, Reconciliation } from '../../../adapter.ts';
import type { Administration } from '../administration.ts';

export interface AdminAction {
  readonly spec: ActionSpec;
  perform(admin: Administration, call: ActionCall): Promise<ActionResult>;
  /** Absent: there is nothing to say beforehand. Arguments may be `NotYet`. */
  preview?(admin: Administration, args: Arguments): Promise<readonly Finding[]>;
  /** Creating actions. */
  expect?(admin: Administration, call: ActionCall): Promise<Forecast>;
  /** Every action but the reading ones. */
  reconcile?(admin: Administration, call: ActionCall): Promise<Reconciliation>;
}

export const block = (reason: string): readonly Finding[] => [{ level: 'block', reason }];
