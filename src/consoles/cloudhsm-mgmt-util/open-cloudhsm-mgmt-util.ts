/**
 * cloudhsm_mgmt_util: the client tool for users and quorum (AWS CloudHSM user guide, cloudhsm_mgmt_util reference). It connects to every
 * HSM itself and does everything server by server. Beginnings of commands are enough where only one command begins so.
 */
import { findCommand, Misuse, strikeOut, usageOf, wordsOf } from '../command.ts';
import type { Console, ConsoleOptions, LineEnd } from '../console.ts';
import type { Edition } from '../edition.ts';
import type { CmuCommand } from './cmu-command.ts';
import { CmuSession } from './cmu-session.ts';
import { getAttribute, listAttributes, setAttribute } from './commands/attributes.ts';
import { getCert } from './commands/certificates.ts';
import { findAllKeys, getKeyInfo, shareKey } from './commands/keys.ts';
import { enableE2e, endLogin, loginHsm, logoutHsm } from './commands/login.ts';
import { syncKey, syncUser } from './commands/manual-sync.ts';
import { approveToken, delToken, getMValue, getToken, listTokens, setMValue } from './commands/quorum.ts';
import { registerMofnPubKey, registerQuorumPubKey } from './commands/quorum-keys.ts';
import { exitServer, getHsmInfo, info, server } from './commands/servers.ts';
import { changePswd, createUser, deleteUser, listUsers } from './commands/users.ts';

const COMMANDS: readonly CmuCommand[] = [
  enableE2e,
  loginHsm,
  logoutHsm,
  listUsers,
  createUser,
  deleteUser,
  changePswd,
  findAllKeys,
  getAttribute,
  setAttribute,
  listAttributes,
  shareKey,
  getKeyInfo,
  registerMofnPubKey,
  registerQuorumPubKey,
  setMValue,
  getMValue,
  getToken,
  approveToken,
  listTokens,
  delToken,
  info,
  getHsmInfo,
  getCert,
  syncKey,
  syncUser,
  server,
  exitServer,
];

/** Known to the prefixes too, but the loop's own. */
const LEAVING = [
  { name: 'help', summary: 'list the commands, or say how one is typed' },
  { name: 'quit', summary: 'leave' },
] as const;

/** Commands that an edition does not have, with the reason. */
function leftOutOf({ hasEnableE2e, hasRegisterMofnPubKey }: Edition): Readonly<Record<string, string>> {
  return {
    ...(hasEnableE2e ? {} : { enable_e2e: 'in this edition the connections are always encrypted end to end' }),
    ...(hasRegisterMofnPubKey
      ? {}
      : { registerMofnPubKey: 'in this edition the public key is registered with registerQuorumPubKey' }),
  };
}

export function openCloudhsmMgmtUtil(options: ConsoleOptions): Console {
  const cmu = new CmuSession(options);
  const there = COMMANDS.filter(({ isThere }) => isThere(cmu));
  const leftOut = leftOutOf(cmu.edition);
  const find = (word: string): CmuCommand | (typeof LEAVING)[number] =>
    findCommand([...there, ...LEAVING], word, { takesPrefixes: true, leftOut });

  cmu.line('Connecting to the server(s), it may take time');
  cmu.line('depending on the server(s) load, please wait...');
  cmu.line();
  for (const { address, isUp } of cmu.cluster.nodes) {
    cmu.line(`Connecting to server '${address}': hostname '${address}', port 2225...`);
    cmu.line(
      isUp
        ? `Connected to server '${address}': hostname '${address}', port 2225.`
        : `Server '${address}' does not answer.`,
    );
  }

  const help = (word: string | undefined): void => {
    if (word !== undefined) {
      const command = find(word);
      cmu.line(`${command.name}: ${command.summary}`);
      if ('usage' in command) cmu.line(usageOf(command));
      return;
    }
    for (const { name, summary } of [...there, ...LEAVING]) cmu.line(`${name.padEnd(22)}${summary}`);
  };

  const carryOut = async (words: readonly string[]): Promise<LineEnd> => {
    const [word, ...rest] = words;
    if (word === undefined) return 'done';
    const command = find(word);
    if ('usage' in command) {
      await command.run(cmu, rest);
      return 'done';
    }
    if (command.name === 'help') {
      help(rest[0]);
      return 'done';
    }
    cmu.line('disconnecting from servers, please wait...');
    return 'over';
  };

  return {
    names: [...there, ...LEAVING].map(({ name }) => name),
    prompt: () => (cmu.onlyServer === null ? 'aws-cloudhsm>' : `server${cmu.onlyServer}>`),
    masked: (line) =>
      strikeOut(line, ([word, ...rest]) => {
        if (word === undefined) return [];
        // Of a mistyped name nobody knows whether a password follows it.
        const secrets = there.filter(({ name }) => name.toLowerCase().startsWith(word.toLowerCase()));
        const places = (secrets.length === 0 && rest.length >= 3 ? [loginHsm] : secrets).flatMap(
          (each) => each.secrets,
        );
        return places.filter((place) => rest[place] !== '-hpswd').map((place) => place + 1);
      }),
    async run(line) {
      try {
        return await carryOut(wordsOf(line));
      } catch (error) {
        if (!(error instanceof Misuse)) throw error;
        cmu.line(error.message);
        return 'misused';
      }
    },
    close: async () => endLogin(cmu),
  };
}
