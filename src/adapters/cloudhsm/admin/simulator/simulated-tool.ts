/**
 * `cloudhsm-cli` over the simulated cluster: the same words, the same JSON. Sentences that no source gives are the simulator's own. Each
 * call logs in and out by itself, as the tool does in single-command mode.
 */
import { CryptokiError } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import { type AdminTool, type ToolOptions, ToolRefusal } from '../admin-tool.ts';
import { KEY_QUORUM_SENTENCE, QUORUM_SENTENCE } from '../administration.ts';
import { checkFlags } from './command-flags.ts';
import { deleteKey, listKeys, setAttribute, setSharing } from './key-commands.ts';
import { generateFile, importPem } from './key-files.ts';
import { generateAes, generateEcPair, generateGenericSecret, generateRsaPair } from './key-generation.ts';
import { WRAP_COMMANDS } from './key-wrapping.ts';
import {
  deleteTokens,
  generateToken,
  listQuorumValues,
  listTokens,
  registerQuorumKey,
  setQuorumValue,
} from './quorum-commands.ts';
import { readWords, type ToolWords, usage } from './tool-words.ts';
import { changePassword, createUser, deleteUser, listUsers } from './user-commands.ts';

type Command = (cluster: SimulatedCluster, words: ToolWords, options: ToolOptions) => unknown;

const COMMANDS: Readonly<Record<string, Command>> = {
  'user list': listUsers,
  'user create': createUser,
  'user delete': deleteUser,
  'user change-password': changePassword,
  'user change-quorum token-sign register': registerQuorumKey,
  'key list': listKeys,
  'key share': setSharing(true),
  'key unshare': setSharing(false),
  'key set-attribute': setAttribute,
  'key delete': deleteKey,
  'key generate-symmetric aes': generateAes,
  'key generate-symmetric generic-secret': generateGenericSecret,
  'key generate-asymmetric-pair rsa': generateRsaPair,
  'key generate-asymmetric-pair ec': generateEcPair,
  'key import pem': importPem,
  'key generate-file': generateFile,
  ...WRAP_COMMANDS,
  'quorum token-sign generate': generateToken,
  'quorum token-sign list': listTokens,
  'quorum token-sign delete': deleteTokens,
  'quorum token-sign set-quorum-value': setQuorumValue,
  'quorum token-sign list-quorum-values': listQuorumValues,
};

/** The commands that there are, for whoever offers them to a person. */
export const SIMULATED_COMMANDS: readonly string[] = Object.keys(COMMANDS);

export const simulatedTool = (cluster: SimulatedCluster): AdminTool => ({
  async run(args, options) {
    const words = readWords(args);
    const command = Object.hasOwn(COMMANDS, words.command) ? COMMANDS[words.command] : undefined;
    if (command === undefined) throw usage(`there is no command ${words.command}`);
    checkFlags(words);
    try {
      return await command(cluster, words, options);
    } catch (error) {
      if (error instanceof HsmRefusal) throw new ToolRefusal(sentenceOf(error, words.command));
      if (error instanceof CryptokiError) throw new ToolRefusal(`the cluster refused: ${error.message}`);
      throw error;
    }
  },
});

function sentenceOf(refusal: HsmRefusal, command: string): string {
  if (refusal.name !== 'RET_MXN_AUTH_FAILED') return refusal.message;
  return command.startsWith('key ') ? KEY_QUORUM_SENTENCE : QUORUM_SENTENCE;
}
