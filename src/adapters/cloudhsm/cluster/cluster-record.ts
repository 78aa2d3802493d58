/**
 * What a simulated cluster remembers besides its keys, as JSON. Keys are in the token's own log, with owner and handle on each; here is
 * only what differs from node to node. Keys of the records are key handles or attribute numbers in decimal.
 */
import { randomBytes } from 'node:crypto';
import type { ProcessMark } from '../../processes/process-mark.ts';
import type { HsmType } from '../simulator/personality.ts';
import { type ClusterOptions, HsmRefusal, type KeyService, type QuorumService, type UserType } from './cluster.ts';
import { passwordHash } from './passwords.ts';

export interface UserRecord {
  readonly id: number;
  readonly name: string;
  type: UserType;
  /** Hex of scrypt; null: cannot log in. */
  passwordHash: string | null;
  failures: number;
  /** SubjectPublicKeyInfo, PEM. */
  quorumKey: string | null;
  /** The same; absent: none. */
  secondFactor?: string | null;
}

/** Who is logged in, as long as the process lives. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: number;
  readonly process: ProcessMark;
}

export interface TokenRecord {
  readonly id: number;
  readonly service: QuorumService | KeyService;
  /** Of a key's token. */
  readonly keyHandle?: number;
  /** Hex, 16 bytes. */
  readonly nonce: string;
  readonly user: string;
  readonly requestedAtMs: number;
  readonly required: number;
  /** The session that it dies with; null: it outlives its session and ends with its validity instead (SDK 5). */
  readonly session: string | null;
  approvers: string[];
}

export interface NodeRecord {
  readonly id: number;
  readonly address: string;
  isUp: boolean;
  /** Counts failures: sessions and session keys of an earlier boot are gone. */
  boot: number;
  /** So many management calls more until it fails; null: it does not. */
  callsLeft: number | null;
  losesNextTombstone: boolean;
  nextUserId: number;
  nextTokenId: number;
  lastKey: number;
  users: UserRecord[];
  sessions: SessionRecord[];
  sharing: Record<string, number[]>;
  /** Key handle → attribute → hex. */
  attributes: Record<string, Record<string, string>>;
  mValues: Record<QuorumService, number>;
  tokens: TokenRecord[];
}

export interface ClusterRecord {
  readonly format: 1;
  readonly id: string;
  /** Of the token that PKCS#11 callers see. */
  readonly serial: string;
  readonly hsmType: HsmType;
  /** Hex, 32 bytes. Clones have it too. Absent in states of earlier versions until the first key is masked. */
  maskingKey?: string;
  readonly nodes: NodeRecord[];
  /** Ids of the nodes that hold a key; absent: all do. */
  presence: Record<string, number[]>;
}

export const newMaskingKey = (): string => randomBytes(32).toString('hex');

/** User ids that every cluster is born with. */
const ADMIN_ID = 1;
const APPLIANCE_USER = { id: 2, name: 'app_user', type: 'AU' } as const;

const OFFICERS: readonly UserType[] = ['PRECO', 'PCO', 'CO'];

/** Throws HsmRefusal `cluster-size` for no node, more than 28, or two with one id. */
export function bornCluster(options: ClusterOptions): ClusterRecord {
  const ids = new Set(options.nodes.map(({ id }) => id));
  if (ids.size < 1 || ids.size > 28 || ids.size !== options.nodes.length) {
    throw new HsmRefusal('cluster-size', null, 'a cluster has 1 to 28 nodes, each with an id of its own');
  }
  const id = `cluster-${randomBytes(6).toString('hex').slice(0, 11)}`;
  const users = bornUsers(id, options.users);
  return {
    format: 1,
    id,
    serial: `SIM${randomBytes(6).toString('hex')}`,
    hsmType: options.hsmType,
    maskingKey: newMaskingKey(),
    nodes: options.nodes.map((node) => ({
      id: node.id,
      address: node.address,
      isUp: true,
      boot: 1,
      callsLeft: null,
      losesNextTombstone: false,
      nextUserId: Math.max(...users.map((user) => user.id)) + 1,
      nextTokenId: 1,
      lastKey: 0,
      users: users.map((user) => ({ ...user })),
      sessions: [],
      sharing: {},
      attributes: {},
      mValues: { 3: 1, 4: 1 },
      tokens: [],
    })),
    presence: {},
  };
}

function bornUsers(clusterId: string, given: ClusterOptions['users']): UserRecord[] {
  const admin = given.find(({ type }) => OFFICERS.includes(type));
  let nextId = APPLIANCE_USER.id + 1;
  const idOf = (user: ClusterOptions['users'][number]): number => {
    if (user === admin) return ADMIN_ID;
    if (user.type === 'AU') return APPLIANCE_USER.id;
    nextId += 1;
    return nextId - 1;
  };
  const users = given.map((user) => bornUser(idOf(user), user, passwordHash(clusterId, user.name, user.password)));
  if (!users.some(({ type }) => type === 'AU')) users.push(bornUser(APPLIANCE_USER.id, APPLIANCE_USER, null));
  return users.sort((a, b) => a.id - b.id);
}

export const bornUser = (
  id: number,
  { name, type }: { readonly name: string; readonly type: UserType },
  hash: string | null,
): UserRecord => ({ id, name, type, passwordHash: hash, failures: 0, quorumKey: null });

export function nodeOf(record: ClusterRecord, nodeId: number): NodeRecord {
  const node = record.nodes.find(({ id }) => id === nodeId);
  if (node === undefined) throw new HsmRefusal('no-such-node', null, `the cluster has no node with id ${nodeId}`);
  return node;
}

/** What only lives as long as the HSM runs is gone. */
export function takeDown(node: NodeRecord): void {
  node.isUp = false;
  node.boot += 1;
  node.callsLeft = null;
  node.sessions = [];
  node.tokens = [];
}
