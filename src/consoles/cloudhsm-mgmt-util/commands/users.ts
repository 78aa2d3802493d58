/** listUsers, createUser, deleteUser and changePswd. */
import type { HsmUser, UserType } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse } from '../../command.ts';
import { CMU_USER_HEADER, cmuUserRow } from '../../user-table.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';
import { passwordOf } from '../password.ts';
import { askSignatures, factorOf, secondFactorFile } from '../second-factor.ts';
import { userType } from './login.ts';

/** Before anything is asked. */
function requireOfficer(type: UserType): void {
  if (type !== 'CO' && type !== 'PCO') throw new Misuse('Second factors (-2fa) are for users of type CO.');
}

const hasFactor = (users: readonly HsmUser[], name: string): boolean =>
  users.some((user) => user.hasSecondFactor && user.name.toLowerCase() === name.toLowerCase());

export const listUsers = cmuCommand({
  name: 'listUsers',
  usage: '',
  summary: 'list the users of each HSM',
  words: [0, 0],
  run(cmu) {
    onEachServer(cmu, 'listUsers', (node) => {
      const users = node.users();
      cmu.line(`Users on ${serverName(node)}:`);
      cmu.line(`Number of users found:${users.length}`);
      cmu.line();
      cmu.line(CMU_USER_HEADER);
      for (const user of users) cmu.line(cmuUserRow(user));
    });
  },
});

const creatable = (word: string): 'CO' | 'CU' => (userType(word, ['CO', 'CU']) === 'CO' ? 'CO' : 'CU');

export const createUser = cmuCommand({
  name: 'createUser',
  usage: '<CO|CU> <user name> <password|-hpswd> [-2fa <file>]',
  summary: 'make a user on each HSM, with a second factor where -2fa is given',
  words: [3, 5],
  secrets: [2],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const type = creatable(wordAt(words, 0));
    const name = wordAt(words, 1);
    const path = secondFactorFile(words, 3, 'createUser CO <user name> <password|-hpswd> -2fa <file>');
    if (path !== undefined) requireOfficer(type);
    const password = await passwordOf(cmu, wordAt(words, 2));
    if (!(await isConfirmed(cmu))) return;
    cmu.line(`Creating User ${name}(${type}) on ${cmu.servers.length} nodes`);
    const factors = path === undefined ? undefined : await askSignatures(cmu, path, true);
    if (factors === null) return;
    await onEveryServer(cmu, {
      command: 'createUser',
      failed: (server) => `creating user on ${server} failed`,
      // The guide shows it where there is a second factor, and not else.
      saysSuccess: factors !== undefined,
      act: (session, node) => void session.createUser(type, name, password, factorOf(factors, node)),
    });
  },
});

export const deleteUser = cmuCommand({
  name: 'deleteUser',
  usage: '<CO|CU> <user name>',
  summary: 'delete a user on each HSM',
  words: [2, 2],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const type = creatable(wordAt(words, 0));
    const name = wordAt(words, 1);
    cmu.line(`Deleting user ${name}(${type}) on ${cmu.servers.length} nodes`);
    await onEveryServer(cmu, {
      command: 'deleteUser',
      failed: (server) => `deleteUser failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.deleteUser(type, name),
      noWayBack: `The password of ${name} is not known here, so nothing is brought back where the user is deleted: createUser makes it anew.`,
    });
  },
});

export const changePswd = cmuCommand({
  name: 'changePswd',
  usage: '<user type> <user name> <password|-hpswd> [-2fa <file>]',
  summary: "change a user's password on each HSM, and unlock the user; without -2fa a second factor ends",
  words: [3, 5],
  secrets: [2],
  async run(cmu, words) {
    cmu.loggedIn();
    const type = userType(wordAt(words, 0), ['PRECO', 'PCO', 'CO', 'CU']);
    const name = wordAt(words, 1);
    const path = secondFactorFile(words, 3, 'changePswd CO <user name> <password|-hpswd> -2fa <file>');
    if (path !== undefined) requireOfficer(type);
    const password = await passwordOf(cmu, wordAt(words, 2));
    if (!(await isConfirmed(cmu))) return;
    cmu.line(`Changing password for ${name}(${type}) on ${cmu.servers.length} nodes`);
    const had = cmu.servers.some((node) => node.isUp && hasFactor(node.users(), name));
    const factors = path === undefined ? undefined : await askSignatures(cmu, path, true);
    if (factors === null) return;
    if (had && factors === undefined) cmu.terminal.note(`Without -2fa ${name} has no second factor any more.`);
    await onEveryServer(cmu, {
      command: 'changePswd',
      failed: (server) => `changing password on ${server} failed`,
      saysSuccess: false,
      act: (session, node) => session.changePassword(type, name, password, factorOf(factors, node)),
    });
  },
});
