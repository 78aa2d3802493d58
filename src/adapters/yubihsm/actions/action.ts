/** One action of the YubiHSM, with a device. */
import { type Action, block } from '../../actions/action.ts';
import type { Finding } from '../../adapter.ts';
import type { YubiHsm } from '../yubihsm.ts';

export type YubiHsmAction = Action<YubiHsm>;

/** The reasons that are there. */
export const blocks = (...reasons: readonly (string | null)[]): readonly Finding[] =>
  reasons.flatMap((reason) => (reason === null ? [] : [block(reason)]));

/** The same action under another name, for playbooks that use Yubico's. */
export const renamed = (action: YubiHsmAction, name: string, summary: string): YubiHsmAction => ({
  ...action,
  spec: { ...action.spec, name, summary },
});
