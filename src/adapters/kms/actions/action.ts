/** One action of AWS KMS, with an account and region. */
import type { Action } from '../../actions/action.ts';
import type { ActionResult, Reconciliation } from '../../adapter.ts';
import type { KmsConnection } from '../connection.ts';

export type KmsAction = Action<KmsConnection>;

export const ABSENT: Reconciliation = { state: 'absent' };

export const settledAs = ({ outputs, violations }: ActionResult): Reconciliation => ({
  state: 'done',
  outputs,
  violations,
});
