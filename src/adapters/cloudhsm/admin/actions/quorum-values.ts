/**
 * set-quorum-value and register-quorum-key: how many officers a service wants, and whose signatures count. The first value of a service
 * is free; once the service `quorum` has one, every change wants an approval itself.
 */
import { optional, path, required } from '../../../../schema/shape.ts';
import { ambiguous, done } from '../../../actions/action.ts';
import { readInteger, readText, shape } from '../../../actions/arguments.ts';
import type { ActionCall, Reconciliation } from '../../../adapter.ts';
import type { Administration } from '../administration.ts';
import { isFields } from '../answers.ts';
import type { AdminAction } from './action.ts';
import { changeUnderQuorum, readService, service } from './quorum-arguments.ts';
import { approval, approvalArguments } from './user-arguments.ts';

/** null: the HSMs do not agree, or the tool does not say. */
async function quorumValue(admin: Administration, name: string): Promise<number | null> {
  const command = { args: ['quorum', 'token-sign', 'list-quorum-values'], as: 'admin' } as const;
  const data = await admin.read('list the quorum values', command);
  const value = isFields(data) ? data[name] : undefined;
  return typeof value === 'number' ? value : null;
}

export const setQuorumValue: AdminAction = {
  spec: {
    name: 'set-quorum-value',
    summary: 'Set how many officers must approve',
    effect: 'change',
    input: shape({
      service: service(['user', 'quorum']),
      value: required({ kind: 'integer', minimum: 2, maximum: 8, description: 'Approvals wanted' }),
      approval,
    }),
    outputs: {},
  },
  async perform(admin, { args }) {
    const name = readService(args);
    const value = readInteger(args, 'value');
    const before = await quorumValue(admin, name);
    const words = ['quorum', 'token-sign', 'set-quorum-value', '--service', name, '--value', String(value)];
    await changeUnderQuorum(
      admin,
      args,
      { what: `set the quorum of ${name} to ${value}`, service: 'quorum', command: { args: words, as: 'admin' } },
      async () => (await quorumValue(admin, name)) !== before,
    );
    return done({});
  },
  async reconcile(admin, { args }): Promise<Reconciliation> {
    const value = await quorumValue(admin, readService(args));
    if (value === null)
      return ambiguous(`the HSMs of ${admin.device} do not agree on the quorum of ${readService(args)}`);
    return value === readInteger(args, 'value') ? { state: 'done', ...done({}) } : { state: 'absent' };
  },
};

const hasQuorumKey = async (admin: Administration): Promise<boolean> =>
  (await admin.user(admin.userName('admin'), 'admin'))?.hasQuorumKey === true;

export const registerQuorumKey: AdminAction = {
  spec: {
    name: 'register-quorum-key',
    summary: 'Register the public key with which the admin of admin-pin approves',
    effect: 'create',
    input: shape({
      'public-key': required(path('PEM file of the public key, RSA-2048')),
      token: required(path('Registration token, signed with that key, from approve-quorum-token')),
      approval: optional(path('Signed quorum token, where a quorum is wanted')),
    }),
    outputs: { user: { type: 'string', lifetime: 'permanent', description: 'The officer' } },
  },
  async expect(admin) {
    const name = `${admin.userName('admin')}'s quorum key`;
    return { expectation: { kind: 'named', name, count: (await hasQuorumKey(admin)) ? 1 : 0 }, already: null };
  },
  async perform(admin, { args }) {
    const command = ['user', 'change-quorum', 'token-sign', 'register', '--public-key', readText(args, 'public-key')];
    command.push('--signed-token', readText(args, 'token'), ...approvalArguments(args));
    const before = await hasQuorumKey(admin);
    await admin.change('register the quorum key', { args: command, as: 'admin' }, async () =>
      before ? true : await hasQuorumKey(admin),
    );
    return done({ user: admin.userName('admin').toLowerCase() });
  },
  async reconcile(admin, { expectation }: ActionCall): Promise<Reconciliation> {
    const user = admin.userName('admin').toLowerCase();
    if (expectation?.kind !== 'named' || expectation.count > 0) {
      return ambiguous(`${user} had a quorum key before, and which one holds now cannot be asked`);
    }
    return (await hasQuorumKey(admin)) ? { state: 'done', ...done({ user }) } : { state: 'absent' };
  },
};
