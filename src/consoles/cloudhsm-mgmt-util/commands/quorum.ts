/** Quorum authentication: setMValue, getMValue, getToken, approveToken, listTokens and delToken. */
import type { QuorumService, QuorumTokenView } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse, numberOf } from '../../command.ts';
import { readApprovalFile } from '../approval-file.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { readNamedFile, writeNamedFile } from '../files.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';

const SERVICES: Readonly<Record<QuorumService, string>> = { 3: 'USER_MGMT', 4: 'MISC_CO' };

function serviceOf(word: string): QuorumService {
  if (word === '3') return 3;
  if (word === '4') return 4;
  throw new Misuse(`"${word}" is no service of officers: 3 (user management) or 4 (quorum values).`);
}

export const setMValue = cmuCommand({
  name: 'setMValue',
  usage: '<service> <approvals>',
  summary: 'set how many officers must approve, on each HSM',
  words: [2, 2],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const service = serviceOf(wordAt(words, 0));
    const m = numberOf(wordAt(words, 1), 'The number of approvals');
    if (!(await isConfirmed(cmu))) return;
    cmu.line(`Setting M Value(${m}) for ${service} on ${cmu.servers.length} nodes`);
    await onEveryServer(cmu, {
      command: 'setMValue',
      failed: (server) => `setMValue failed on ${server}`,
      saysSuccess: false,
      act: (session) => session.setMValue(service, m),
    });
  },
});

export const getMValue = cmuCommand({
  name: 'getMValue',
  usage: '<service>',
  summary: 'show how many officers must approve, on each HSM',
  words: [1, 1],
  run(cmu, words) {
    const service = serviceOf(wordAt(words, 0));
    onEachServer(cmu, 'getMValue', (node) => {
      cmu.line(
        `MValue of service ${service}[${SERVICES[service]}] on server ${node.server} : [${node.mValue(service)}]`,
      );
    });
  },
});

const tokenBlock = (token: QuorumTokenView): string[] => [
  'Token:',
  `Id:${token.id}`,
  `Service:${token.service}`,
  `Node:${token.node}`,
  `Key Handle:${token.keyHandle}`,
  `User:${token.user}`,
];

export const getToken = cmuCommand({
  name: 'getToken',
  usage: '<service> <own user name> <file>',
  summary: 'have each HSM issue a token, for officers to sign',
  words: [3, 3],
  run(cmu, words) {
    const { user } = cmu.loggedIn('CO', 'PCO');
    const service = serviceOf(wordAt(words, 0));
    const name = wordAt(words, 1);
    if (name.toLowerCase() !== user.toLowerCase())
      throw new Misuse(`A token is for its requester, and ${user} is logged in.`);
    const entries: Uint8Array[] = [];
    const isWhole = onEachServer(cmu, 'getToken', (node) => {
      const { view, bytes } = cmu.sessionOn(node).requestToken(service);
      entries.push(bytes);
      cmu.line(`getToken success on ${serverName(node)}`);
      for (const line of tokenBlock(view)) cmu.line(line);
    });
    if (entries.length > 0) writeNamedFile(wordAt(words, 2), new Uint8Array(Buffer.concat(entries)));
    if (!isWhole) cmu.terminal.note('The token is good on those HSMs only that issued their part of it.');
  },
});

export const approveToken = cmuCommand({
  name: 'approveToken',
  usage: '<approval file>',
  summary: 'hand the signed token to each HSM',
  words: [1, 1],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const text = Buffer.from(readNamedFile(wordAt(words, 0))).toString('utf8');
    const file = readApprovalFile(text);
    const token = readNamedFile(file.token);
    const approvals = file.approvals.map(({ type, user, file: path }) => ({
      type,
      user,
      signature: readNamedFile(path),
    }));
    await onEveryServer(cmu, {
      command: 'approveToken',
      failed: (server) => `approveToken failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.approveToken(token, approvals),
    });
  },
});

const RULE = '=====================';

export const listTokens = cmuCommand({
  name: 'listTokens',
  usage: '',
  summary: 'list the tokens of each HSM',
  words: [0, 0],
  run(cmu) {
    const isWhole = onEachServer(cmu, 'listTokens', (node) => {
      const tokens = node.quorumTokens();
      cmu.line(RULE);
      cmu.line(`    Server ${node.server}(${node.address})`);
      cmu.line(RULE);
      for (const [place, token] of tokens.entries()) {
        cmu.line(`-------- Token - ${place} ----------`);
        for (const line of tokenBlock(token)) cmu.line(line);
        cmu.line(`Token Validity: ${token.validitySeconds} sec`);
        cmu.line(`Required num of approvers : ${token.required}`);
        cmu.line(`Current num of approvals : ${token.approvers.length}`);
        for (const [number, approver] of token.approvers.entries()) cmu.line(`Approver-${number}: ${approver}`);
      }
      cmu.line(`Num of tokens = ${tokens.length}`);
      cmu.line();
    });
    if (isWhole) cmu.line('listTokens success');
  },
});

/** The tool has such a command (help of key_mgmt_util, audit log); what it takes and says is not documented. */
export const delToken = cmuCommand({
  name: 'delToken',
  usage: '<token id>',
  summary: "delete a token on each HSM (words and answer are keyferry's own)",
  words: [1, 1],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    const id = numberOf(wordAt(words, 0), 'The token id');
    await onEveryServer(cmu, {
      command: 'delToken',
      failed: (server) => `delToken failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.deleteToken(id),
    });
  },
});
