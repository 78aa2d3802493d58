/** What key_mgmt_util cannot: attributes and sharing, as lines of cloudhsm_mgmt_util (AWS CloudHSM user guide). It asks before each change. */
import { attributeFromKebab } from '../../../keys/attributes.ts';
import { CKA_OF } from '../../pkcs11/attribute-codec.ts';
import { keyOf, outputsOf, textOf } from '../../pkcs11/runbook/made-keys.ts';
import type { RunbookBlank, RunbookCall, RunbookLine, RunbookStep } from '../../runbook.ts';
import { handleOf } from './key-mgmt-util.ts';

export const CLOUDHSM_MGMT_UTIL = 'cloudhsm_mgmt_util';

/** This tool finds no key by its name: people carry the handle over from key_mgmt_util. */
function carried(args: RunbookCall['args']): RunbookBlank {
  const key = keyOf(args, 'key');
  return { name: key === null ? 'handle of the key' : handleOf(key).name, lookup: null };
}

const confirmed = (text: string, blanks: readonly RunbookBlank[]): RunbookLine => ({
  kind: 'command',
  tool: CLOUDHSM_MGMT_UTIL,
  text,
  blanks,
  answers: ['y'],
  expect: 'success on every server',
});

/** null: not an action of this tool. */
export function cloudhsmMgmtUtilStep(call: RunbookCall): RunbookStep | null {
  const { action, args } = call;
  const outputs = outputsOf(call);
  const key = carried(args);
  if (action === 'set-attribute') {
    const name = attributeFromKebab(textOf(args, 'name') ?? '');
    if (name === undefined || typeof args.value !== 'boolean') return null;
    return { lines: [confirmed(`setAttribute <${key.name}> ${CKA_OF[name]} ${args.value ? 1 : 0}`, [key])], outputs };
  }
  if (action === 'share-key' || action === 'unshare-key') {
    const user = { name: `user id of ${textOf(args, 'username') ?? 'the user'} (listUsers shows it)`, lookup: null };
    const text = `shareKey <${key.name}> <${user.name}> ${action === 'share-key' ? 1 : 0}`;
    return { lines: [confirmed(text, [key, user])], outputs };
  }
  return null;
}
