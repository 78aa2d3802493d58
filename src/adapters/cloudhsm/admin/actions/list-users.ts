/** list-users: who is on the cluster. Needs no login. */
import { done } from '../../../actions/action.ts';
import { shape } from '../../../actions/arguments.ts';
import type { AdminAction } from './action.ts';

export const listUsers: AdminAction = {
  spec: {
    name: 'list-users',
    summary: 'List the users of the cluster',
    effect: 'read',
    input: shape({}),
    outputs: {
      admins: { type: 'list', lifetime: 'run', description: 'Names of the admins' },
      crypto_users: { type: 'list', lifetime: 'run', description: 'Names of the crypto users' },
      locked: { type: 'list', lifetime: 'run', description: 'Names of those that are locked' },
    },
  },
  async perform(admin) {
    const users = await admin.users();
    const names = (role: string): readonly string[] =>
      users.filter((user) => user.role === role).map((user) => user.name);
    return done({
      admins: names('admin'),
      crypto_users: names('crypto-user'),
      locked: users.filter((user) => user.isLocked === true).map((user) => user.name),
    });
  },
};
