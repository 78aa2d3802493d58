/** delete-user: removes a user from every HSM. The cluster refuses it for a crypto user that owns keys. */
import { ambiguous, done } from '../../../actions/action.ts';
import { shape } from '../../../actions/arguments.ts';
import type { AdminAction } from './action.ts';
import { changeUnderQuorum } from './quorum-arguments.ts';
import { approval, readRole, readUser, readUserIfKnown, role, username } from './user-arguments.ts';

export const deleteUser: AdminAction = {
  spec: {
    name: 'delete-user',
    summary: 'Delete a user from the cluster',
    effect: 'destroy',
    input: shape({ username: username('Name of the user'), role, approval }),
    outputs: {},
    pointOfNoReturn: true,
  },
  async preview(admin, args) {
    const name = readUserIfKnown(args);
    if (name === null || (await admin.user(name, readRole(args))) !== undefined) return [];
    return [{ level: 'note', reason: `${admin.device} has no ${readRole(args)} ${name} yet` }];
  },
  async perform(admin, { args }) {
    const name = readUser(args);
    const kind = readRole(args);
    const before = await admin.user(name, kind);
    if (before === undefined) throw admin.fail('device-refused', `there is no ${kind} ${name}.`);
    const command = { args: ['user', 'delete', '--username', name, '--role', kind], as: 'admin' } as const;
    await changeUnderQuorum(admin, args, { what: `delete the ${kind} ${name}`, service: 'user', command }, async () => {
      const now = await admin.user(name, kind);
      return now === undefined || now.disagreements.join() !== before.disagreements.join();
    });
    return done({});
  },
  async reconcile(admin, { args }) {
    const name = readUser(args);
    const kind = readRole(args);
    const left = await admin.user(name, kind);
    if (left === undefined) return { state: 'done', ...done({}) };
    if (left.disagreements.length === 0) return { state: 'absent' };
    return ambiguous(`some HSMs of ${admin.device} have the ${kind} ${name}: ${left.disagreements.join(', ')}`);
  },
};
