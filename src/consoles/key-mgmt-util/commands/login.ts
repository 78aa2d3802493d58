/** loginHSM and logoutHSM: a crypto user, in the client library and on every HSM. */
import { HsmRefusal, type NodeSession } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { CKR, CKU } from '../../../adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../../command.ts';
import { type FlagTable, flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import type { KmuSession, RefusalText } from '../kmu-session.ts';
import { RETURN } from '../return-codes.ts';

export const LOGIN_FLAGS: FlagTable = {
  u: flag.text.required('user type'),
  s: flag.text.required('user name'),
  p: flag.text.optional('password'),
  hpswd: flag.switch,
};

const CALL = 'Cfm3LoginHSM';

export const loginHsm = kmuCommand({
  name: 'loginHSM',
  summary: 'log in to the HSMs as a crypto user',
  flags: LOGIN_FLAGS,
  async run(k, flags) {
    if (flags.has('p') === flags.has('hpswd')) throw new Misuse('Give either -p <password> or -hpswd.');
    if (k.login !== null) throw new Misuse(`${k.login.user} is logged in; log out first: logoutHSM.`);
    const user = flags.neededText('s');
    const password = flags.text('p') ?? (await k.terminal.askSecret('Enter password:'));
    if (password === null) throw new Misuse('No password was typed.');
    if (flags.text('u') !== 'CU') {
      k.refused(CALL, { code: RETURN.wrongUserType });
      return;
    }
    const [slot] = await k.call(CALL, () => k.module.C_GetSlotList(true));
    if (slot === undefined) {
      k.refused(CALL, { words: 'no HSM of the cluster answers' });
      return;
    }
    const session = await k.call(CALL, () => k.module.C_OpenSession(slot));
    try {
      await k.call(
        CALL,
        () => k.module.C_Login(session, CKU.USER, `${user}:${password}`),
        (error) => loginRefusal(k, user, error),
      );
    } catch (error) {
      k.module.C_CloseSession(session);
      throw error;
    }
    const nodes = new Map<number, NodeSession>();
    for (const node of k.upNodes) {
      try {
        nodes.set(node.id, node.login('CU', user, password));
      } catch (error) {
        if (!(error instanceof HsmRefusal)) throw error;
        k.terminal.note(
          `Node id ${node.id} refused the login: ${error.message}. The cluster's users differ between its HSMs.`,
        );
      }
    }
    const userId = [...nodes.values()][0]?.user.id;
    if (userId === undefined) {
      k.module.C_Logout(session);
      k.module.C_CloseSession(session);
      k.refused(CALL, { words: 'no HSM of the cluster took the login' });
      return;
    }
    k.login = { user, userId, session, nodes };
    k.returned(CALL);
    k.status('all', k.edition.loginStatusHeading);
  },
});

function loginRefusal(k: KmuSession, user: string, error: unknown): RefusalText | null {
  if (!(error instanceof CryptokiError) || error.value !== CKR.PIN_INCORRECT) return null;
  const isKnown = k.upNodes.some((node) =>
    node.users().some(({ name, type }) => type === 'CU' && name.toLowerCase() === user.toLowerCase()),
  );
  return isKnown ? null : { code: RETURN.noSuchUser };
}

export const logoutHsm = kmuCommand({
  name: 'logoutHSM',
  summary: 'log out of the HSMs',
  flags: {},
  run(k) {
    const { login } = k;
    if (login === null) throw new Misuse('Nobody is logged in.');
    endLogin(k);
    k.returned('Cfm3LogoutHSM');
    k.status('all', k.edition.loginStatusHeading);
  },
});

/** Session keys go with it. What is gone already needs no logout. */
export function endLogin(k: KmuSession): void {
  const { login } = k;
  if (login === null) return;
  k.login = null;
  for (const node of login.nodes.values()) settled(() => node.logout());
  settled(() => k.module.C_Logout(login.session));
  settled(() => k.module.C_CloseSession(login.session));
}

function settled(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof HsmRefusal || error instanceof CryptokiError)) throw error;
  }
}
