/**
 * change-password: a new password for a user, given at the tool's own prompt. Nothing shows afterwards which password holds, and a trial
 * login could lock the user: what is not known stays for a person to find out.
 */
import { ambiguous, done } from '../../../actions/action.ts';
import { shape } from '../../../actions/arguments.ts';
import { sameUser } from '../answers.ts';
import { type AdminAction, block } from './action.ts';
import { changeUnderQuorum } from './quorum-arguments.ts';
import {
  approval,
  newPassword,
  readPassword,
  readRole,
  readUser,
  readUserIfKnown,
  role,
  username,
} from './user-arguments.ts';

export const changePassword: AdminAction = {
  spec: {
    name: 'change-password',
    summary: 'Give a user a new password',
    effect: 'change',
    input: shape({ username: username('Name of the user'), role, password: newPassword, approval }),
    outputs: {},
  },
  async preview(admin, args) {
    const name = readUserIfKnown(args);
    // What logs in with the old password during the run would count as wrong tries and lock the user.
    if (name !== null && sameUser(name, admin.userName(readRole(args)))) {
      return block(`${name} is the user that keyferry logs in as; change that password with the vendor's own tool`);
    }
    return [];
  },
  async perform(admin, { args }) {
    const name = readUser(args);
    const kind = readRole(args);
    if (sameUser(name, admin.userName(kind))) {
      throw admin.fail('argument-invalid', `${name} is the user that keyferry logs in as.`);
    }
    if ((await admin.user(name, kind)) === undefined)
      throw admin.fail('device-refused', `there is no ${kind} ${name}.`);
    const words = ['user', 'change-password', '--username', name, '--role', kind];
    const command = { args: words, as: 'admin', newPassword: readPassword(args) } as const;
    await changeUnderQuorum(
      admin,
      args,
      { what: `change the password of the ${kind} ${name}`, service: 'user', command },
      async () => true,
    );
    return done({});
  },
  async reconcile(_admin, { args }) {
    return ambiguous(
      `whether ${readRole(args)} ${readUser(args)} has the new password cannot be asked, and a wrong try counts`,
    );
  },
};
