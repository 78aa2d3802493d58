/**
 * set-attribute through the tool: Client SDK 5 cannot change attributes by PKCS#11. Its contract is that of every device's set-attribute.
 * `trusted` is the admin's to set, everything else the owner's. Which can change: user guide, `cloudhsm_cli-key-attributes`.
 */

import type { KeyRef } from '../../../../keys/key-record.ts';
import { labelHex } from '../../../../keys/locator.ts';
import { type Arguments, ambiguous, done } from '../../../actions/action.ts';
import { readKey, readText } from '../../../actions/arguments.ts';
import type { ActionCall, ActionResult, Violation } from '../../../adapter.ts';
import { setAttribute as pkcs11SetAttribute } from '../../../pkcs11/actions/set-attribute.ts';
import { inWords } from '../../../pkcs11/locate.ts';
import type { Administration } from '../administration.ts';
import type { ToolKey } from '../answers.ts';
import { type AdminAction, block } from './action.ts';

const CHANGEABLE: readonly string[] = [
  'decrypt',
  'derive',
  'destroyable',
  'encrypt',
  'label',
  'sign',
  'trusted',
  'unwrap',
  'verify',
  'wrap',
  'wrap-with-trusted',
];

interface Change {
  readonly ref: KeyRef;
  readonly name: string;
  readonly value: boolean | string;
  /** The key as it is called afterwards. */
  readonly renamed: KeyRef;
}

function readChange(args: Arguments): Change {
  const ref = readKey(args, 'key');
  const name = readText(args, 'name');
  const value = name === 'label' ? readText(args, 'value') : args.value === true;
  const renamed = typeof value === 'string' ? { ...ref, locator: { ...ref.locator, label: labelHex(value) } } : ref;
  return { ref, name, value, renamed };
}

function refusal(admin: Administration, name: unknown): string | null {
  if (typeof name === 'string' && !CHANGEABLE.includes(name))
    return `the cluster changes no ${name} of a key that exists`;
  return name === 'trusted' && !admin.has('admin') ? 'trusted is the admin’s to set: admin-pin is missing' : null;
}

const isAsWanted = (found: ToolKey, { name, value }: Change): boolean => found.attributes[name] === value;

function result(admin: Administration, change: Change, found: ToolKey): ActionResult {
  const violations: Violation[] = isAsWanted(found, change)
    ? []
    : [
        {
          code: 'attribute-mismatch',
          message: `${admin.device}: ${change.name} is not what was asked for after it was set.`,
        },
      ];
  return done({ key: change.renamed }, violations);
}

/** The one key under its old or new name. */
async function find(admin: Administration, { ref, renamed }: Change): Promise<readonly ToolKey[]> {
  const old = await admin.keysLike(ref);
  return renamed === ref ? old : [...old, ...(await admin.keysLike(renamed))];
}

export const setAttribute: AdminAction = {
  spec: pkcs11SetAttribute.spec,
  async preview(admin, args) {
    const reason = refusal(admin, args.name);
    return reason === null ? [] : block(reason);
  },
  async perform(admin, { args }: ActionCall) {
    const change = readChange(args);
    const reason = refusal(admin, change.name);
    if (reason !== null) throw admin.fail('capability-missing', `${reason}.`);
    const { ref, name, value } = change;
    const before = await admin.key(ref);
    const command = ['key', 'set-attribute', '--filter', `key-reference=${before.reference}`];
    command.push('--name', name, '--value', String(value));
    const role = name === 'trusted' ? 'admin' : 'crypto-user';
    await admin.change(`set ${name} of the ${inWords(ref.locator)}`, { args: command, as: role }, async () => {
      const [now] = await find(admin, change);
      return now === undefined || isAsWanted(now, change) || now.disagreements.length > 0;
    });
    return result(admin, change, await admin.key(change.renamed));
  },
  async reconcile(admin, { args }) {
    const change = readChange(args);
    const found = await find(admin, change);
    const [only] = found;
    const what = inWords(change.ref.locator);
    if (only === undefined) return ambiguous(`the ${what} is gone`);
    if (found.length > 1) return ambiguous(`${found.length} keys are a ${what}`);
    if (only.disagreements.length > 0) {
      return ambiguous(`the HSMs of ${admin.device} do not agree on the ${what}: ${only.disagreements.join(', ')}`);
    }
    return isAsWanted(only, change) ? { state: 'done', ...result(admin, change, only) } : { state: 'absent' };
  },
};
