/** loginHSM, logoutHSM and enable_e2e. */
import { HsmRefusal, type NodeSession, USER_TYPES, type UserType } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse } from '../../command.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { type CmuSession, failureText, serverName } from '../cmu-session.ts';
import { passwordOf } from '../password.ts';
import { askSignatures, factorOf, secondFactorFile } from '../second-factor.ts';

export function userType(word: string, allowed: readonly UserType[]): UserType {
  const type = USER_TYPES.find((known) => known === word);
  if (type !== undefined && allowed.includes(type)) return type;
  throw new Misuse(`"${word}" is none of the user types here: ${allowed.join(', ')}.`);
}

export const loginHsm = cmuCommand({
  name: 'loginHSM',
  usage: '<PRECO|PCO|CO|CU> <user name> <password|-hpswd> [-2fa <file>]',
  summary: 'log in to the HSMs',
  words: [3, 5],
  secrets: [2],
  async run(cmu, words) {
    const asked = userType(wordAt(words, 0), ['PRECO', 'PCO', 'CO', 'CU']);
    const user = wordAt(words, 1);
    if (cmu.login !== null) throw new Misuse(`${cmu.login.user} is logged in; log out first: logoutHSM.`);
    const path = secondFactorFile(words, 3, 'loginHSM CO <user name> <password|-hpswd> -2fa <file>');
    const password = await passwordOf(cmu, wordAt(words, 2));
    const factors = path === undefined ? undefined : await askSignatures(cmu, path, false);
    if (factors === null) return;
    const sessions = new Map<number, NodeSession>();
    let type = asked;
    for (const node of cmu.servers) {
      try {
        const session = node.login(asked, user, password, 'legacy', factorOf(factors, node)?.signature);
        sessions.set(node.server, session);
        type = session.user.type;
        cmu.line(`loginHSM success on ${serverName(node)}`);
      } catch (error) {
        if (!(error instanceof HsmRefusal)) throw error;
        cmu.line(`loginHSM failed: ${failureText(error)}`);
        cmu.line(`loginHSM failed on ${serverName(node)}`);
      }
    }
    if (sessions.size > 0) cmu.login = { type, user, sessions };
  },
});

export const logoutHsm = cmuCommand({
  name: 'logoutHSM',
  usage: '',
  summary: 'log out of the HSMs',
  words: [0, 0],
  run(cmu) {
    const { sessions } = cmu.loggedIn();
    for (const node of cmu.servers) {
      const session = sessions.get(node.server);
      if (session === undefined) continue;
      endSession(session);
      cmu.line(`logoutHSM success on ${serverName(node)}`);
    }
    endLogin(cmu);
  },
});

/** A session that ended with its HSM needs no logout. */
function endSession(session: NodeSession): void {
  try {
    session.logout();
  } catch (error) {
    if (!(error instanceof HsmRefusal)) throw error;
  }
}

export function endLogin(cmu: CmuSession): void {
  for (const session of cmu.login?.sessions.values() ?? []) endSession(session);
  cmu.login = null;
}

export const enableE2e = cmuCommand({
  name: 'enable_e2e',
  usage: '',
  summary: 'encrypt the connections end to end',
  words: [0, 0],
  isThere: ({ edition }) => edition.hasEnableE2e,
  run(cmu) {
    for (const node of cmu.servers) if (node.isUp) cmu.line(`E2E enabled on ${serverName(node)}`);
  },
});
