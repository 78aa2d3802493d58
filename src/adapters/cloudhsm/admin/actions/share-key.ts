/**
 * share-key and unshare-key: whether another crypto user may use a key. Only its owner may say so. A shared user may use the key, also to
 * unwrap with it, but never export, delete, share or change it.
 */
import { ambiguous, done } from '../../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../../actions/arguments.ts';
import type { ActionCall, Reconciliation } from '../../../adapter.ts';
import { inWords } from '../../../pkcs11/locate.ts';
import type { Administration } from '../administration.ts';
import { sameUser, type ToolKey } from '../answers.ts';
import { type AdminAction, block } from './action.ts';
import { approval, approvalArguments, readUser, readUserIfKnown, username } from './user-arguments.ts';

const isSharedWith = (found: ToolKey, name: string): boolean => found.sharedWith.some((user) => sameUser(user, name));

function sharing(verb: 'share' | 'unshare', summary: string, who: string): AdminAction {
  const wanted = verb === 'share';
  const reconcile = async (admin: Administration, { args }: ActionCall): Promise<Reconciliation> => {
    const name = readUser(args);
    const look = () => admin.key(readKey(args, 'key'));
    const found =
      (await admin.settled(async () => {
        const now = await look();
        return isSharedWith(now, name) === wanted ? now : undefined;
      })) ?? (await look());
    if (found.disagreements.length > 0) {
      return ambiguous(`the HSMs of ${admin.device} do not agree on the key: ${found.disagreements.join(', ')}`);
    }
    return isSharedWith(found, name) === wanted ? { state: 'done', ...done({}) } : { state: 'absent' };
  };
  return {
    spec: {
      name: `${verb}-key`,
      summary,
      effect: 'change',
      input: shape({ key: key('The key, owned by the crypto user of pin'), username: username(who), approval }),
      outputs: {},
    },
    async preview(admin, args) {
      const name = readUserIfKnown(args);
      if (name !== null && (await admin.user(name, 'crypto-user')) === undefined) {
        return block(`${admin.device} has no crypto-user ${name}`);
      }
      const ref = readKeyIfKnown(args, 'key');
      if (ref === null || !admin.has('crypto-user')) return [];
      const { owners } = await admin.key(ref);
      const me = admin.userName('crypto-user');
      return owners.length === 0 || owners.some((owner) => sameUser(owner, me))
        ? []
        : block(`owned by ${owners.join(', ')}, not by ${me}, and only its owner may ${verb} it`);
    },
    async perform(admin, call) {
      const { args } = call;
      const ref = readKey(args, 'key');
      const name = readUser(args);
      const before = await admin.key(ref);
      const command = ['key', verb, '--filter', `key-reference=${before.reference}`];
      command.push('--username', name, '--role', 'crypto-user', ...approvalArguments(args));
      const what = `${verb} the ${inWords(ref.locator)} ${wanted ? 'with' : 'from'} ${name}`;
      await admin.change(what, { args: command, as: 'crypto-user' }, async () => {
        const now = await admin.key(ref);
        return isSharedWith(now, name) !== isSharedWith(before, name) || now.disagreements.length > 0;
      });
      return done({});
    },
    reconcile,
  };
}

export const shareKey = sharing('share', 'Let another crypto user use a key', 'Crypto user to share it with');
export const unshareKey = sharing('unshare', 'End the sharing of a key', 'Crypto user who is not to use it any more');
