/** One action of AWS KMS: what it declares, and what it does with an account and region. */
import type { ActionCall, ActionResult, ActionSpec, Finding, Forecast, Reconciliation } from '../../adapter.ts';
import type { Arguments } from '../../pkcs11/actions/action.ts';
import type { KmsConnection } from '../connection.ts';

export interface KmsAction {
  readonly spec: ActionSpec;
  perform(kms: KmsConnection, call: ActionCall): Promise<ActionResult>;
  /** Absent: there is nothing to say beforehand. Arguments may be `NotYet`. */
  preview?(kms: KmsConnection, calls: readonly Arguments[]): Promise<readonly (readonly Finding[])[]>;
  /** Creating actions. */
  expect?(kms: KmsConnection, call: ActionCall): Promise<Forecast>;
  /** Every action but the reading ones. */
  reconcile?(kms: KmsConnection, call: ActionCall): Promise<Reconciliation>;
}

export const block = (reason: string): Finding => ({ level: 'block', reason });
export const note = (reason: string): Finding => ({ level: 'note', reason });

export const ambiguous = (reason: string): Reconciliation => ({ state: 'ambiguous', reason });

export const ABSENT: Reconciliation = { state: 'absent' };

export const settledAs = ({ outputs, violations }: ActionResult): Reconciliation => ({
  state: 'done',
  outputs,
  violations,
});
