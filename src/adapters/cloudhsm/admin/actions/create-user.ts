/** create-user: a user on every HSM of the cluster. The password goes in at the tool's own prompt. */
import { ambiguous, done } from '../../../actions/action.ts';
import { shape } from '../../../actions/arguments.ts';
import type { ActionCall, Reconciliation } from '../../../adapter.ts';
import type { Administration } from '../administration.ts';
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

const inWords = ({ args }: Pick<ActionCall, 'args'>): string => `${readRole(args)} ${readUser(args)}`;

/** Of any role: one name is one user to people, whatever the cluster allows. */
const named = async (admin: Administration, name: string) => (await admin.users()).filter((user) => user.name === name);

async function reconcile(admin: Administration, call: ActionCall): Promise<Reconciliation> {
  const { args, expectation } = call;
  const name = readUser(args);
  if (expectation?.kind !== 'named') return ambiguous('the intent does not say whether the user was there before');
  if (expectation.count > 0) return ambiguous(`a user ${name} was on ${admin.device} before`);
  const found = await admin.settled(async () => {
    const users = await named(admin, name);
    return users.length === 0 ? undefined : users;
  });
  const [user, ...others] = found ?? [];
  if (user === undefined) return { state: 'absent' };
  if (others.length > 0 || user.role !== readRole(args)) {
    return ambiguous(`${admin.device} has a user ${name} that is ${user.role}, which this step did not ask for`);
  }
  if (user.disagreements.length > 0) {
    return ambiguous(`not every HSM of ${admin.device} has the user ${name}: ${user.disagreements.join(', ')}`);
  }
  return { state: 'done', ...done({ user: name }) };
}

export const createUser: AdminAction = {
  spec: {
    name: 'create-user',
    summary: 'Create a user on the cluster',
    effect: 'create',
    input: shape({ username: username('Name of the new user'), role, password: newPassword, approval }),
    outputs: { user: { type: 'string', lifetime: 'permanent', description: 'The name, in lower case' } },
  },
  async preview(admin, args) {
    const name = readUserIfKnown(args);
    if (name === null || (await named(admin, name)).length === 0) return [];
    return block(`${admin.device} has a user ${name} already`);
  },
  async expect(admin, { args }) {
    const name = readUser(args);
    const { length } = await named(admin, name);
    return { expectation: { kind: 'named', name, count: length }, already: null };
  },
  async perform(admin, call) {
    const { args, expectation } = call;
    const name = readUser(args);
    if (expectation?.kind === 'named' && expectation.count > 0) {
      throw admin.fail('device-refused', `there is a user ${name} already, made by somebody else; it was left alone.`);
    }
    const password = readPassword(args);
    const words = ['user', 'create', '--username', name, '--role', readRole(args)];
    const command = { args: words, as: 'admin', newPassword: password } as const;
    await changeUnderQuorum(
      admin,
      args,
      { what: `create the ${inWords(call)}`, service: 'user', command },
      async () => (await named(admin, name)).length > 0,
    );
    return done({ user: name });
  },
  reconcile,
};
