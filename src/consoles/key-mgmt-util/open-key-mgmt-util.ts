/**
 * key_mgmt_util: the client tool for keys (AWS CloudHSM user guide, key_mgmt_util reference). One operator, who logs in as a crypto user;
 * `singlecmd` logs in, does one command and leaves.
 */
import { findCommand, Misuse, strikeOut, usageOf, wordsOf } from '../command.ts';
import type { Console, ConsoleOptions, LineEnd } from '../console.ts';
import { aesWrapUnwrap } from './commands/aes-wrap-unwrap.ts';
import { getAttribute, listAttributes, setAttribute } from './commands/attributes.ts';
import { getCert } from './commands/certificates.ts';
import { findKey, findSingleKey } from './commands/find.ts';
import { genSymKey } from './commands/generate.ts';
import { getCaviumPrivKey, isValidKeyHandlefile } from './commands/handle-files.ts';
import { exSymKey, imSymKey } from './commands/host-keys.ts';
import { genEccKeyPair, genRsaKeyPair, listEccCurveIds } from './commands/key-pairs.ts';
import { deleteKey, getKeyInfo } from './commands/keys.ts';
import { endLogin, LOGIN_FLAGS, loginHsm, logoutHsm } from './commands/login.ts';
import { extractMaskedObject, insertMaskedObject } from './commands/masked-objects.ts';
import { exportPrivateKey, importPrivateKey } from './commands/private-keys.ts';
import { exportPubKey, importPubKey } from './commands/public-keys.ts';
import { signFile, verifyFile } from './commands/signatures.ts';
import { error2String, listUsers } from './commands/users.ts';
import { unwrapKeyCommand, wrapKeyCommand } from './commands/wrap.ts';
import type { KmuCommand } from './kmu-command.ts';
import { KmuSession } from './kmu-session.ts';

const COMMANDS: readonly KmuCommand[] = [
  loginHsm,
  logoutHsm,
  genSymKey,
  genRsaKeyPair,
  genEccKeyPair,
  exportPubKey,
  importPubKey,
  importPrivateKey,
  exportPrivateKey,
  imSymKey,
  exSymKey,
  wrapKeyCommand,
  unwrapKeyCommand,
  aesWrapUnwrap,
  extractMaskedObject,
  insertMaskedObject,
  findKey,
  findSingleKey,
  getKeyInfo,
  deleteKey,
  getAttribute,
  setAttribute,
  signFile,
  verifyFile,
  getCert,
  getCaviumPrivKey,
  isValidKeyHandlefile,
  listAttributes,
  listEccCurveIds,
  listUsers,
  error2String,
];

const UNDOCUMENTED = 'no document shows what it prints';
const WITH_OTHER_TOOL = 'cloudhsm_mgmt_util has it; of this one no document shows what it takes and prints';
const LEFT_OUT: Readonly<Record<string, string>> = {
  genDSAKeyPair: 'the simulated HSMs have no DSA',
  genPBEKey: 'the user guide says that HSMs in FIPS mode do not have it',
  createPublicKey: `${UNDOCUMENTED}; importPubKey takes the same key from PEM`,
  getPartitionInfo: UNDOCUMENTED,
  loginStatus: UNDOCUMENTED,
  ...Object.fromEntries(
    ['getHSMInfo', 'getToken', 'delToken', 'approveToken', 'listTokens'].map((name) => [name, WITH_OTHER_TOOL]),
  ),
};

const LOOKUP = { takesPrefixes: false, leftOut: LEFT_OUT } as const;

/** Places of passwords among the words of a line. No other flag is -p, so it tells a password behind a mistyped command too. */
const secretPlaces = (words: readonly string[]): number[] =>
  words.flatMap((word, place) => (word === '-p' ? [place + 1] : []));

/** `loginHSM -u CU -s user -p password` and the command after it. Throws Misuse. */
function splitSingleCommand(words: readonly string[]): { login: readonly string[]; command: readonly string[] } {
  let at = 1;
  while (words[at]?.startsWith('-') === true) {
    const spec = LOGIN_FLAGS[(words[at] ?? '').slice(1)];
    at += spec === undefined || spec.kind === 'switch' ? 1 : 2;
  }
  if (words[0] !== 'loginHSM' || words[at] === undefined) {
    throw new Misuse('singlecmd loginHSM -u CU -s <user> -p <password> <command …>');
  }
  return { login: words.slice(1, at), command: words.slice(at) };
}

export function openKeyMgmtUtil(options: ConsoleOptions): Console {
  const module = options.cluster.module({ client: 'legacy' });
  module.C_Initialize();
  const session = new KmuSession({ ...options, module });
  const { terminal } = options;

  const help = (name: string | undefined): void => {
    if (name !== undefined) {
      const command = findCommand(COMMANDS, name, LOOKUP);
      session.paragraph(`${command.name}: ${command.summary}`, usageOf(command));
      return;
    }
    session.paragraph('Commands; each with -h says how it is typed:');
    const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
    session.paragraph(...COMMANDS.map((command) => `${command.name.padEnd(width)}${command.summary}`));
    session.paragraph('help, singlecmd, exit');
  };

  const carryOut = async (words: readonly string[]): Promise<LineEnd> => {
    const [name, ...rest] = words;
    if (name === undefined) return 'done';
    if (name === 'exit') return 'over';
    if (name === 'help') {
      help(rest[0]);
      return 'done';
    }
    if (name === 'singlecmd') {
      const { login, command } = splitSingleCommand(rest);
      await loginHsm.run(session, login);
      if (session.login === null) return 'done';
      await carryOut(command);
      return 'over';
    }
    await findCommand(COMMANDS, name, LOOKUP).run(session, rest);
    return 'done';
  };

  return {
    names: [...COMMANDS.map(({ name }) => name), 'help', 'exit'],
    prompt: () => 'Command:  ',
    masked: (line) => strikeOut(line, secretPlaces),
    async run(line) {
      try {
        return await carryOut(wordsOf(line));
      } catch (error) {
        if (!(error instanceof Misuse)) throw error;
        session.paragraph(error.message);
        return 'misused';
      } finally {
        terminal.line();
      }
    },
    async close() {
      endLogin(session);
      await module.close();
    },
  };
}
