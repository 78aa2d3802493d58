/** findAllKeys, getKeyInfo and shareKey. */
import { Misuse, numberOf } from '../../command.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';
import { outputOf } from '../output-file.ts';

function zeroOrOne(word: string, what: string): boolean {
  if (word !== '0' && word !== '1') throw new Misuse(`${what} is 0 or 1, not "${word}".`);
  return word === '1';
}

export const findAllKeys = cmuCommand({
  name: 'findAllKeys',
  usage: '<user id> <key hash: 0 or 1> [output file]',
  summary: "list a user's keys on each HSM",
  words: [2, 3],
  run(cmu, words) {
    cmu.loggedIn('CO', 'PCO', 'AU');
    const user = numberOf(wordAt(words, 0), 'The user id');
    const isHashed = zeroOrOne(wordAt(words, 1), 'The key hash');
    const out = outputOf(cmu, words[2]);
    onEachServer(cmu, 'findAllKeys', (node) => {
      const session = cmu.sessionOn(node);
      const keys = session.findAllKeys(user);
      const mark = (isOwned: boolean): string => (cmu.edition.marksOwnership ? (isOwned ? '(o)' : '(s)') : '');
      const hash = isHashed ? session.keyHash() : null;
      out.line(`Keys on ${serverName(node)}:`);
      out.line(`Number of keys found ${keys.length}`);
      out.line(`number of keys matched from start index 0::${keys.length}`);
      if (keys.length > 0) out.line(keys.map(({ handle, isOwned }) => `${handle}${mark(isOwned)}`).join(','));
      if (hash !== null) {
        out.line('Key Hash:');
        out.line(hash);
      }
      out.line(`findAllKeys success on ${serverName(node)}`);
    });
    out.end();
  },
});

export const getKeyInfo = cmuCommand({
  name: 'getKeyInfo',
  usage: '[-k] <key handle> [output file]',
  summary: 'show who owns a key and with whom it is shared, on each HSM',
  words: [1, 3],
  run(cmu, words) {
    cmu.loggedIn('CU');
    const [number, path, more] = words[0] === '-k' ? words.slice(1) : words;
    if (number === undefined || more !== undefined) throw new Misuse('getKeyInfo [-k] <key handle> [output file]');
    const handle = numberOf(number, 'The key handle');
    const out = outputOf(cmu, path);
    onEachServer(cmu, 'getKeyInfo', (node) => {
      const info = cmu.sessionOn(node).keyInfo(handle);
      out.line(`Key Info on ${serverName(node)}:`);
      out.line();
      out.line(info.isSession ? '\tSession Key,' : '\tToken/Flash Key,');
      out.line();
      out.line(`\tOwned by user ${info.owner}`);
      if (info.sharedWith.length > 0) {
        out.line();
        out.line(`\talso, shared to following ${info.sharedWith.length} user(s):`);
        out.line();
        for (const user of info.sharedWith) out.line(`\t\t ${user}`);
      }
      if (info.quorum > 0) out.line(`\t ${info.quorum} Users need to approve to use/manage this key`);
    });
    out.end();
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
