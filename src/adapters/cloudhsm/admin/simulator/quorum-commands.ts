/** `quorum token-sign …` and `user change-quorum …` of the simulated tool. Answers: user guide, `cloudhsm_cli-qm-token-*`. */
import { randomBytes } from 'node:crypto';
import {
  HsmRefusal,
  type KeyService,
  type QuorumService,
  type QuorumTokenView,
  type SimulatedCluster,
} from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { encodeTokenFile, newTokenFile, type TokenFile } from '../token-file.ts';
import { atKeyDesk, keyNamed, reference } from './key-desk.ts';
import { readNamedFile, writeNamedFile } from './named-files.ts';
import { onEveryNode, upNodes } from './node-sessions.ts';
import { approveOn, readApproval } from './quorum-file.ts';
import { given, required, type ToolWords, usage } from './tool-words.ts';
import { agreed, roleName } from './user-commands.ts';

const SERVICES: Readonly<Record<string, QuorumService>> = { user: 3, quorum: 4 };
const KEY_SERVICES: Readonly<Record<string, KeyService>> = {
  'key-management': 'key-management',
  'key-usage': 'key-usage',
};
const serviceName = (service: QuorumTokenView['service']): string =>
  typeof service === 'string' ? service : { 3: 'user', 4: 'quorum' }[service];

/** Of a registration: any bytes will do, the cluster only checks that the new key signed them. */
const REGISTRATION_BYTES = 80;

function serviceOf(words: ToolWords): QuorumService {
  const name = required(words, 'service');
  const service = SERVICES[name];
  if (service === undefined) throw usage(`${words.command}: there is no service ${name}`);
  return service;
}

export async function generateToken(
  cluster: SimulatedCluster,
  words: ToolWords,
  options: ToolOptions,
): Promise<unknown> {
  const path = required(words, 'token');
  writeNamedFile(path, encodeTokenFile(await newToken(cluster, words, options)));
  return { filepath: path };
}

async function newToken(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<TokenFile> {
  const name = required(words, 'service');
  if (name === 'registration') return newTokenFile(new Uint8Array(randomBytes(REGISTRATION_BYTES)));
  const service = KEY_SERVICES[name];
  if (service === undefined) return newTokenFile(requestOnEveryNode(cluster, serviceOf(words), options));
  const handle = await atKeyDesk(cluster, options.login, (desk) => keyNamed(desk, words).handle);
  const data = onEveryNode(cluster, options.login, (nodes) =>
    Buffer.concat(nodes.map(({ session }) => session.requestKeyToken(service, handle).bytes)),
  );
  return { ...newTokenFile(data), key: { service, reference: reference(handle) } };
}

function requestOnEveryNode(cluster: SimulatedCluster, service: QuorumService, options: ToolOptions): Uint8Array {
  return onEveryNode(cluster, options.login, (nodes) =>
    Buffer.concat(nodes.map(({ session }) => session.requestToken(service).bytes)),
  );
}

export function listTokens(cluster: SimulatedCluster, _words: ToolWords, options: ToolOptions): unknown {
  return onEveryNode(cluster, options.login, (nodes) => {
    const all = nodes.map(({ node }) => node.quorumTokens());
    const nameOf = ({ user, service, keyHandle }: QuorumTokenView): string => `${user}/${service}/${keyHandle}`;
    const owners = [...new Set(all.flat().map(nameOf))];
    return {
      tokens: owners.map((owner) => {
        const found = all.flatMap((tokens) => tokens.filter((token) => nameOf(token) === owner).slice(0, 1));
        const [first] = found;
        return {
          username: first?.user.toLowerCase() ?? '',
          service: serviceName(first?.service ?? 3),
          'approvals-required': agreed(found.map((token) => token.required)),
          'number-of-approvals': agreed(found.map((token) => token.approvers.length)),
          'token-timeout-seconds': Math.min(...found.map((token) => token.validitySeconds)),
          'cluster-coverage': found.length === nodes.length ? 'full' : 'inconsistent',
        };
      }),
    };
  });
}

export function setQuorumValue(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const service = serviceOf(words);
  const value = Number(required(words, 'value'));
  const approval = readApproval(given(words, 'approval'));
  onEveryNode(cluster, options.login, (nodes) => {
    for (const each of nodes) {
      approveOn(each, approval);
      each.session.setMValue(service, value);
    }
  });
  return 'Set Quorum Value successful';
}

export function listQuorumValues(cluster: SimulatedCluster): unknown {
  const nodes = upNodes(cluster);
  return Object.fromEntries(
    Object.entries(SERVICES).map(([name, service]) => [name, agreed(nodes.map((node) => node.mValue(service)))]),
  );
}

/** Of the officer who is logged in, or every one of the officers. */
export function deleteTokens(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const scope = required(words, 'scope');
  if (scope !== 'user' && scope !== 'all') throw usage(`${words.command}: --scope is user or all`);
  onEveryNode(cluster, options.login, (nodes) => {
    for (const { node, session } of nodes) {
      for (const { id, user } of node.quorumTokens()) {
        if (scope === 'all' || user === session.user.name) session.deleteToken(id);
      }
    }
  });
  return 'Deletion of quorum token(s) successful';
}

/** Whoever is logged in registers the public half of their own key. */
export function registerQuorumKey(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const token = readApproval(required(words, 'signed-token'));
  const [proof] = token?.signatures ?? [];
  if (token === null || proof === undefined) throw new HsmRefusal('token-file', null, 'the token is not signed');
  const pem = Buffer.from(readNamedFile(required(words, 'public-key'))).toString('utf8');
  return onEveryNode(cluster, options.login, (nodes) => {
    for (const { session } of nodes) {
      session.registerQuorumKey(session.user.name, token.approvalData, proof.signature, pem);
    }
    const user = nodes[0]?.session.user;
    return { username: user?.name.toLowerCase() ?? '', role: roleName(user?.type ?? 'CO') };
  });
}
