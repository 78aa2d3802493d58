/** findAllKeys, getKeyInfo and shareKey. */
import { Misuse, numberOf } from '../../command.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';

function zeroOrOne(word: string, what: string): boolean {
  if (word !== '0' && word !== '1') throw new Misuse(`${what} is 0 or 1, not "${word}".`);
  return word === '1';
}

export const findAllKeys = cmuCommand({
  name: 'findAllKeys',
  usage: '<user id> <key hash: 0 or 1>',
  summary: "list a user's keys on each HSM",
  words: [2, 2],
  run(cmu, words) {
    cmu.loggedIn('CO', 'PCO', 'AU');
    const user = numberOf(wordAt(words, 0), 'The user id');
    const isHashed = zeroOrOne(wordAt(words, 1), 'The key hash');
    onEachServer(cmu, 'findAllKeys', (node) => {
      const session = cmu.sessionOn(node);
      const keys = session.findAllKeys(user);
      const mark = (isOwned: boolean): string => (cmu.edition.marksOwnership ? (isOwned ? '(o)' : '(s)') : '');
      const hash = isHashed ? session.keyHash() : null;
      cmu.line(`Keys on ${serverName(node)}:`);
      cmu.line(`Number of keys found ${keys.length}`);
      cmu.line(`number of keys matched from start index 0::${keys.length}`);
      if (keys.length > 0) cmu.line(keys.map(({ handle, isOwned }) => `${handle}${mark(isOwned)}`).join(','));
      if (hash !== null) {
        cmu.line('Key Hash:');
        cmu.line(hash);
      }
      cmu.line(`findAllKeys success on ${serverName(node)}`);
    });
  },
});

export const getKeyInfo = cmuCommand({
  name: 'getKeyInfo',
  usage: '[-k] <key handle>',
  summary: 'show who owns a key and with whom it is shared, on each HSM',
  words: [1, 2],
  run(cmu, words) {
    cmu.loggedIn('CU');
    if (words.length === 2 && words[0] !== '-k') throw new Misuse('getKeyInfo [-k] <key handle>');
    const handle = numberOf(words.at(-1) ?? '', 'The key handle');
    onEachServer(cmu, 'getKeyInfo', (node) => {
      const info = cmu.sessionOn(node).keyInfo(handle);
      cmu.line(`Key Info on ${serverName(node)}:`);
      cmu.line();
      cmu.line(info.isSession ? '\tSession Key,' : '\tToken/Flash Key,');
      cmu.line();
      cmu.line(`\tOwned by user ${info.owner}`);
      if (info.sharedWith.length > 0) {
        cmu.line();
        cmu.line(`\talso, shared to following ${info.sharedWith.length} user(s):`);
        cmu.line();
        for (const user of info.sharedWith) cmu.line(`\t\t ${user}`);
      }
      if (info.quorum > 0) cmu.line(`\t ${info.quorum} Users need to approve to use/manage this key`);
    });
  },
});

export const shareKey = cmuCommand({
  name: 'shareKey',
  usage: '<key handle> <user id> <1: share, 0: unshare>',
  summary: 'share a key with a user, or end it, on each HSM',
  words: [3, 3],
  async run(cmu, words) {
    cmu.loggedIn('CU');
    const handle = numberOf(wordAt(words, 0), 'The key handle');
    const user = numberOf(wordAt(words, 1), 'The user id');
    const isShared = zeroOrOne(wordAt(words, 2), 'The last word');
    if (!(await isConfirmed(cmu))) return;
    await onEveryServer(cmu, {
      command: 'shareKey',
      failed: (server) => `shareKey failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.share(handle, user, isShared),
    });
  },
});
