/** getKeyInfo and deleteKey. */
import { Misuse } from '../../command.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { refusalOf } from '../kmu-session.ts';
import { RETURN } from '../return-codes.ts';

export const getKeyInfo = kmuCommand({
  name: 'getKeyInfo',
  summary: 'show who owns a key and with whom it is shared',
  flags: { k: flag.number.required('key handle') },
  async run(k, flags) {
    const call = 'Cfm3GetKey';
    const info = await k.call(call, () => k.anyNode.keyInfo(flags.neededNumber('k')));
    k.returned(call);
    k.lines(`\tOwned by user ${info.owner}`);
    if (info.sharedWith.length > 0) {
      k.paragraph(`also, shared to following ${info.sharedWith.length} user(s):`);
      k.paragraph(`\t ${info.sharedWith.join(', ')}`);
    }
    if (info.quorum > 0) k.lines(`\t ${info.quorum} Users need to approve to use/manage this key`);
  },
});

export const deleteKey = kmuCommand({
  name: 'deleteKey',
  summary: 'delete a key',
  flags: { k: flag.number.required('key handle') },
  async run(k, flags) {
    const call = 'Cfm3DeleteKey';
    const login = k.loggedIn;
    const handle = flags.neededNumber('k');
    if (handle === 0) throw new Misuse('-k 0 is no key handle.');
    let object: bigint;
    try {
      object = k.cluster.objectHandle(login.session, handle);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      k.refused('Cfm3FindKey', refusal);
      if ('code' in refusal) k.failedStatus(refusal.code);
      return;
    }
    await k.call(
      call,
      () => k.module.C_DestroyObject(login.session, object),
      (error) => {
        const isOthers = refusalOf(error) !== null && k.anyNode.keyInfo(handle).owner !== login.userId;
        return isOthers ? { code: RETURN.accessDenied } : null;
      },
    );
    k.returned(call);
    k.status();
  },
});
