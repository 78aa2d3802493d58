/** syncKey and syncUser, in server mode: from the HSM that one is at to another. */
import { HsmRefusal, type NodeSession } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse, numberOf } from '../../command.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { type CmuSession, failureText, serverName } from '../cmu-session.ts';
import { serverOf } from './servers.ts';

/** Gives whether the HSM did it. */
function atOneServer(cmu: CmuSession, command: string, act: (session: NodeSession) => void): boolean {
  const [node] = cmu.servers;
  if (cmu.onlyServer === null || node === undefined) {
    throw new Misuse(`${command} goes from one HSM to another: enter server mode first (server <number>).`);
  }
  try {
    act(cmu.sessionOn(node));
    return true;
  } catch (error) {
    if (!(error instanceof HsmRefusal)) throw error;
    cmu.line(`${command} failed: ${failureText(error)}`);
    cmu.line(`${command} failed on ${serverName(node)}`);
    return false;
  }
}

export const syncKey = cmuCommand({
  name: 'syncKey',
  usage: '<key handle> <destination server>',
  summary: 'in server mode, copy a key from this HSM to one that lacks it',
  words: [2, 2],
  run(cmu, words) {
    cmu.loggedIn('CO', 'PCO', 'CU');
    const handle = numberOf(wordAt(words, 0), 'The key handle');
    const to = serverOf(cmu, wordAt(words, 1));
    if (atOneServer(cmu, 'syncKey', (session) => session.syncKey(handle, to.id))) cmu.line('syncKey success');
  },
});

export const syncUser = cmuCommand({
  name: 'syncUser',
  usage: '<user id> <destination server>',
  summary: 'in server mode, make another HSM know a user as this one does',
  words: [2, 2],
  run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const user = numberOf(wordAt(words, 0), 'The user id');
    const to = serverOf(cmu, wordAt(words, 1));
    if (!atOneServer(cmu, 'syncUser', (session) => session.syncUser(user, to.id))) return;
    cmu.line('ExtractMaskedObject: 0x0 !');
    cmu.line('InsertMaskedObject: 0x0 !');
    cmu.line('syncUser success');
  },
});
