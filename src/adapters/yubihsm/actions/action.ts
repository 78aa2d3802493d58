/** One action of the YubiHSM: what it declares, and what it does with a device. */
import type { ActionCall, ActionResult, ActionSpec, Finding, Forecast, Reconciliation } from '../../adapter.ts';
import type { Arguments, Source } from '../../pkcs11/actions/action.ts';
import type { YubiHsm } from '../yubihsm.ts';

export interface YubiHsmAction {
  readonly spec: ActionSpec;
  perform(hsm: YubiHsm, call: ActionCall): Promise<ActionResult>;
  /** Absent: there is nothing to say beforehand. Arguments may be `NotYet`. */
  preview?(hsm: YubiHsm, calls: readonly Arguments[], salt: Uint8Array | null): Promise<(readonly Finding[])[]>;
  /** Creating actions. */
  expect?(hsm: YubiHsm, call: ActionCall, source: Source): Promise<Forecast>;
  /** Every action but the reading ones. */
  reconcile?(hsm: YubiHsm, call: ActionCall, source: Source): Promise<Reconciliation>;
}

export const block = (reason: string): Finding => ({ level: 'block', reason });
export const note = (reason: string): Finding => ({ level: 'note', reason });

/** The reasons that are there. */
export const blocks = (...reasons: readonly (string | null)[]): readonly Finding[] =>
  reasons.flatMap((reason) => (reason === null ? [] : [block(reason)]));

/** The same action under another name, for playbooks that use Yubico's. */
export const renamed = (action: YubiHsmAction, name: string, summary: string): YubiHsmAction => ({
  ...action,
  spec: { ...action.spec, name, summary },
});
