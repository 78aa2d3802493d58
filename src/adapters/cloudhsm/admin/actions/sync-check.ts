/**
 * sync-check and sync-repair: users, passwords, sharing, attributes and quorum values do not synchronise between the HSMs of a cluster. A
 * check stops the run where they differ. The vendor's tool shows differences and mends none; a simulated cluster does both.
 */
import { optional, withDefault } from '../../../../schema/shape.ts';
import { done } from '../../../actions/action.ts';
import { readInteger, shape } from '../../../actions/arguments.ts';
import { HsmRefusal } from '../../cluster/cluster.ts';
import type { Administration } from '../administration.ts';
import { type AdminAction, block } from './action.ts';

/** Passwords and quorum values show in no listing, so only a simulated cluster is checked for them. */
async function differences(admin: Administration): Promise<readonly string[]> {
  if (admin.nodes !== null) return admin.nodes.check();
  const users = await admin.users();
  const keys = await admin.keys([]);
  return [
    ...users.flatMap((user) => user.disagreements.map((line) => `user ${user.name}: ${line}`)),
    ...keys.flatMap((each) => each.disagreements.map((line) => `key ${each.reference}: ${line}`)),
  ];
}

export const syncCheck: AdminAction = {
  spec: {
    name: 'sync-check',
    summary: 'Check that the HSMs of the cluster agree',
    effect: 'read',
    input: shape({
      require: withDefault({ kind: 'boolean', description: 'stop the run where they do not' }, true),
    }),
    outputs: {
      in_sync: { type: 'bool', lifetime: 'run', description: 'Whether they agree' },
      differences: { type: 'list', lifetime: 'run', description: 'One line for each difference' },
    },
  },
  async preview(admin) {
    const found = await differences(admin);
    return found.map((reason) => ({ level: 'note', reason }));
  },
  async perform(admin, { args }) {
    const found = await differences(admin);
    if (found.length > 0 && args.require !== false) {
      throw admin.fail('out-of-sync', `the HSMs of the cluster do not agree: ${found.join('; ')}.`);
    }
    return done({ in_sync: found.length === 0, differences: found });
  },
};

const NO_REPAIR = 'cloudhsm-cli has no command that brings HSMs into agreement';

export const syncRepair: AdminAction = {
  spec: {
    name: 'sync-repair',
    summary: 'Bring the HSMs of a simulated cluster into agreement',
    effect: 'change',
    input: shape({
      from: optional({ kind: 'integer', minimum: 0, description: 'Id of the HSM that is right; absent: the first' }),
    }),
    outputs: {},
  },
  async preview(admin) {
    return admin.nodes === null ? block(NO_REPAIR) : [];
  },
  async perform(admin, { args }) {
    if (admin.nodes === null) throw admin.fail('capability-missing', `${NO_REPAIR}.`);
    try {
      const left = admin.nodes.repair(args.from === undefined ? null : readInteger(args, 'from'));
      if (left.length === 0) return done({});
      throw admin.fail('out-of-sync', `some differences could not be mended: ${left.join('; ')}.`, {
        outcome: 'applied',
      });
    } catch (error) {
      if (!(error instanceof HsmRefusal)) throw error;
      throw admin.fail('device-refused', `could not repair: ${error.message}.`, { outcome: 'unknown', cause: error });
    }
  },
  async reconcile(admin) {
    const left = admin.nodes?.check() ?? [NO_REPAIR];
    return left.length === 0 ? { state: 'done', ...done({}) } : { state: 'absent' };
  },
};
