/** Where the HSMs of a cluster say different things. What passwords are is not said, only which HSMs hold the same one. */
import { createHash } from 'node:crypto';
import type { Divergence } from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import { handleOf, isOnNode } from './cluster-keys.ts';
import type { ClusterRecord, NodeRecord, UserRecord } from './cluster-record.ts';

/** What one node says about each subject. */
type Statements = ReadonlyMap<string, string>;

interface Topic {
  readonly what: Divergence['what'];
  readonly subject: (key: string) => string;
  /** What a node says that does not mention a subject; null: it is not asked, since the difference is another topic's. */
  readonly silence: string | null;
  readonly statements: (node: NodeRecord) => Statements;
}

export function findDivergences(core: ClusterCore): Divergence[] {
  const record = core.store.fresh();
  const up = record.nodes.filter(({ isUp }) => isUp);
  const down = record.nodes.filter(({ isUp }) => !isUp);
  return [
    ...down.map(({ id, address }): Divergence => ({ what: 'node', subject: address, nodes: { [id]: 'down' } })),
    ...topics(core, record).flatMap((topic) => compare(topic, up, down)),
  ];
}

function compare(topic: Topic, up: readonly NodeRecord[], down: readonly NodeRecord[]): Divergence[] {
  const said = up.map((node) => ({ id: node.id, statements: topic.statements(node) }));
  const keys = new Set(said.flatMap(({ statements }) => [...statements.keys()]));
  const divergences: Divergence[] = [];
  for (const key of keys) {
    const nodes: Record<number, string> = {};
    for (const { id, statements } of said) {
      const statement = statements.get(key) ?? topic.silence;
      if (statement !== null) nodes[id] = statement;
    }
    if (new Set(Object.values(nodes)).size < 2) continue;
    for (const { id } of down) nodes[id] = 'down';
    divergences.push({ what: topic.what, subject: topic.subject(key), nodes });
  }
  return divergences;
}

function topics(core: ClusterCore, record: ClusterRecord): Topic[] {
  const keysOf = (node: NodeRecord): Statements => {
    const elsewhere = [...core.keys.tokenKeys()]
      .map(handleOf)
      .filter((handle) => record.presence[handle] !== undefined);
    return new Map(elsewhere.filter((handle) => isOnNode(record, node, handle)).map((each) => [`${each}`, 'present']));
  };
  return [
    {
      what: 'users',
      subject: (name) => name,
      silence: 'absent',
      statements: perUser(({ type, id }) => `${type}, id ${id}`),
    },
    { what: 'password', subject: (name) => name, silence: null, statements: perUser(passwordOf(record)) },
    {
      what: 'quorum-keys',
      subject: (name) => name,
      silence: null,
      statements: perUser(({ quorumKey }) => fingerprintOf(quorumKey)),
    },
    {
      what: 'second-factors',
      subject: (name) => name,
      silence: null,
      statements: perUser(({ secondFactor }) => fingerprintOf(secondFactor ?? null)),
    },
    { what: 'quorum-values', subject: (service) => `service ${service}`, silence: '', statements: valuesOf },
    { what: 'sharing', subject: (handle) => `key ${handle}`, silence: 'shared with nobody', statements: sharingOf },
    { what: 'attributes', subject: attributeSubject, silence: 'unchanged', statements: attributesOf },
    { what: 'keys', subject: (handle) => `key ${handle}`, silence: 'absent', statements: keysOf },
  ];
}

const perUser =
  (say: (user: UserRecord) => string) =>
  (node: NodeRecord): Statements =>
    new Map(node.users.map((user) => [user.name, say(user)]));

/** Numbers the passwords of a user in the order of the nodes. */
const passwordOf =
  (record: ClusterRecord) =>
  ({ name, passwordHash }: UserRecord): string => {
    const all = record.nodes.flatMap(({ users }) => users.filter((user) => user.name === name));
    return `password ${[...new Set(all.map((user) => user.passwordHash))].indexOf(passwordHash) + 1}`;
  };

const fingerprintOf = (pem: string | null): string =>
  pem === null ? 'no key' : `key ${createHash('sha256').update(pem).digest('hex').slice(0, 16)}`;

const valuesOf = ({ mValues }: NodeRecord): Statements => new Map(Object.entries(mValues).map(([s, m]) => [s, `${m}`]));

const sharingOf = ({ sharing }: NodeRecord): Statements =>
  new Map(
    Object.entries(sharing).map(([key, ids]) => [key, `shared with ${[...ids].sort((a, b) => a - b).join(', ')}`]),
  );

const attributesOf = ({ attributes }: NodeRecord): Statements =>
  new Map(
    Object.entries(attributes).flatMap(([handle, changes]) =>
      Object.entries(changes).map(([attribute, hex]): [string, string] => [`${handle}/${attribute}`, `0x${hex}`]),
    ),
  );

function attributeSubject(key: string): string {
  const [handle, attribute] = key.split('/');
  return `key ${handle}, attribute ${attribute}`;
}
