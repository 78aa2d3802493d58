/** key-info: who owns a key and who may use it. */
import { done } from '../../../actions/action.ts';
import { key, readKey, shape } from '../../../actions/arguments.ts';
import type { AdminAction } from './action.ts';

export const keyInfo: AdminAction = {
  spec: {
    name: 'key-info',
    summary: 'Read who owns a key and who shares it',
    effect: 'read',
    input: shape({ key: key('The key to look at') }),
    outputs: {
      reference: { type: 'string', lifetime: 'run', description: 'Key reference, as cloudhsm-cli writes it' },
      owner: { type: 'string', lifetime: 'run', description: 'Name of the owner' },
      shared_with: { type: 'list', lifetime: 'run', description: 'Names of the users it is shared with' },
      use_quorum: { type: 'int', lifetime: 'run', description: 'Approvals that a use wants' },
      manage_quorum: { type: 'int', lifetime: 'run', description: 'Approvals that a change wants' },
    },
  },
  async perform(admin, { args }) {
    const found = await admin.key(readKey(args, 'key'));
    return done({
      reference: found.reference,
      owner: found.owners.join(', '),
      shared_with: found.sharedWith,
      use_quorum: found.useQuorum,
      manage_quorum: found.manageQuorum,
    });
  },
};
