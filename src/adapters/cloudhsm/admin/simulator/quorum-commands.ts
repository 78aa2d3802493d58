/** `quorum token-sign …` and `user change-quorum …` of the simulated tool. Answers: user guide, `cloudhsm_cli-qm-token-*`. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { HsmRefusal, type QuorumService, type QuorumTokenView, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { encodeTokenFile, newTokenFile } from '../token-file.ts';
import { onEveryNode, upNodes } from './node-sessions.ts';
import { approveOn, readApproval } from './quorum-file.ts';
import { given, required, type ToolWords, usage } from './tool-words.ts';
import { agreed } from './user-commands.ts';

const SERVICES: Readonly<Record<string, QuorumService>> = { user: 3, quorum: 4 };
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

export function generateToken(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const path = required(words, 'token');
  const data =
    required(words, 'service') === 'registration'
      ? new Uint8Array(randomBytes(REGISTRATION_BYTES))
      : requestOnEveryNode(cluster, serviceOf(words), options);
  writeFileSync(path, encodeTokenFile(newTokenFile(data)), { mode: 0o600 });
  return { filepath: path };
}

function requestOnEveryNode(cluster: SimulatedCluster, service: QuorumService, options: ToolOptions): Uint8Array {
  return onEveryNode(cluster, options.login, (nodes) =>
    Buffer.concat(nodes.map(({ session }) => session.requestToken(service).bytes)),
  );
}

export function listTokens(cluster: SimulatedCluster, _words: ToolWords, options: ToolOptions): unknown {
  return onEveryNode(cluster, options.login, (nodes) => {
    const all = nodes.map(({ node }) => node.quorumTokens());
    const owners = [...new Set(all.flat().map((token) => `${token.user}/${token.service}`))];
    return {
      tokens: owners.map((owner) => {
        const found = all.flatMap((tokens) =>
          tokens.filter((token) => `${token.user}/${token.service}` === owner).slice(0, 1),
        );
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

/** The officer who is logged in registers the public half of their own key. */
export function registerQuorumKey(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): unknown {
  const token = readApproval(required(words, 'signed-token'));
  const [proof] = token?.signatures ?? [];
  if (token === null || proof === undefined) throw new HsmRefusal('token-file', null, 'the token is not signed');
  const pem = readFileSync(required(words, 'public-key'), 'utf8');
  return onEveryNode(cluster, options.login, (nodes) => {
    for (const { session } of nodes) {
      session.registerQuorumKey(session.user.name, token.approvalData, proof.signature, pem);
    }
    return { username: nodes[0]?.session.user.name.toLowerCase() ?? '', role: 'admin' };
  });
}
