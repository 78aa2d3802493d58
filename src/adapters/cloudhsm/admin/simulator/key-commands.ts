/**
 * `key …` of the simulated tool, as far as PKCS#11 does not do it: listing with owners and sharing, share, unshare, set-attribute. Answers:
 * user guide, `cloudhsm_cli-key-*`. Session keys are left out: they live in another process's session.
 */
import { kebabName } from '../../../../keys/attributes.ts';
import { boolOf, CKA_OF, hexOf, keyTypeOf, ulongAttribute, ulongOf } from '../../../pkcs11/attribute-codec.ts';
import { CKA, CKO, CKU } from '../../../pkcs11/constants.ts';
import type { Attribute } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolLogin, ToolOptions } from '../admin-tool.ts';
import { type NodeWork, onEveryNode } from './node-sessions.ts';
import { given, required, type ToolWords, usage } from './tool-words.ts';
import { agreed } from './user-commands.ts';

const CLASSES: ReadonlyMap<number, string> = new Map([
  [CKO.SECRET_KEY, 'secret-key'],
  [CKO.PUBLIC_KEY, 'public-key'],
  [CKO.PRIVATE_KEY, 'private-key'],
]);

const DEFAULT_PAGE = 10;

interface FoundKey {
  readonly handle: number;
  readonly attributes: Readonly<Record<string, string>>;
}

const reference = (handle: number): string => `0x${handle.toString(16).padStart(16, '0')}`;

/** Own, shared and public keys, ascending by handle. An admin has none. */
async function visibleKeys(cluster: SimulatedCluster, login: ToolLogin | null): Promise<FoundKey[]> {
  if (login?.role !== 'crypto-user') return [];
  const module = cluster.module({ client: 'sdk5' });
  try {
    module.C_Initialize();
    const [slot] = module.C_GetSlotList(true);
    if (slot === undefined) return [];
    const session = module.C_OpenSession(slot);
    module.C_Login(session, CKU.USER, login.pin.reveal());
    const found = [...CLASSES].flatMap(([number, name]) =>
      module
        .findObjects(session, [ulongAttribute(CKA.CLASS, number), { type: CKA.TOKEN, value: new Uint8Array([1]) }])
        .map((object): FoundKey => {
          const [label, id, type] = module
            .C_GetAttributeValue(session, object, [CKA.LABEL, CKA.ID, CKA.KEY_TYPE])
            .map(({ value }) => value);
          const keyType = keyTypeOf(ulongOf(type ?? null));
          return {
            handle: cluster.keyHandle(session, object),
            attributes: {
              'key-type': keyType === 'des3' ? '3des' : keyType,
              label: Buffer.from(label ?? []).toString('utf8'),
              id: `0x${hexOf(id ?? null)}`,
              class: name,
            },
          };
        }),
    );
    return found.sort((one, other) => one.handle - other.handle);
  } finally {
    await module.close();
  }
}

function fits(key: FoundKey, filter: readonly string[]): boolean {
  return filter.every((condition) => {
    const at = condition.indexOf('=');
    const name = condition.slice(0, at);
    const value = condition.slice(at + 1);
    if (at < 0) throw usage(`--filter: ${condition} is no condition`);
    if (name === 'key-reference') return BigInt(value) === BigInt(key.handle);
    const attribute = name.startsWith('attr.') ? key.attributes[name.slice('attr.'.length)] : undefined;
    if (attribute === undefined) throw usage(`--filter: ${name} cannot be searched for on the simulated cluster`);
    return attribute === value;
  });
}

export async function listKeys(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<unknown> {
  const filter = words.flags.get('filter') ?? [];
  const all = (await visibleKeys(cluster, options.login)).filter((key) => fits(key, filter));
  const start = Number(given(words, 'starting-token') ?? 0);
  const size = Number(given(words, 'max-items') ?? DEFAULT_PAGE);
  const page = all.slice(start, start + size);
  const isVerbose = words.flags.has('verbose');
  // Logs in on every HSM even when there is nothing to list, as the tool does.
  const keys = onEveryNode(cluster, options.login, (nodes) =>
    page.map((key) =>
      isVerbose
        ? verbose(key, nodes)
        : { 'key-reference': reference(key.handle), attributes: { label: key.attributes.label } },
    ),
  );
  return {
    matched_keys: keys,
    total_key_count: all.length,
    returned_key_count: page.length,
    ...(start + size < all.length ? { next_token: String(start + size) } : {}),
  };
}

function verbose(key: FoundKey, nodes: readonly NodeWork[]): unknown {
  const infos = nodes.map(({ node, session }) => {
    const info = answered(() => session.keyInfo(key.handle));
    const nameOf = (id: number): string =>
      node
        .users()
        .find((user) => user.id === id)
        ?.name.toLowerCase() ?? String(id);
    return info === null
      ? null
      : { owner: nameOf(info.owner), sharedWith: info.sharedWith.map(nameOf), quorum: info.quorum };
  });
  const known = infos.filter((info) => info !== null);
  const coverage = (count: number): string => (count === nodes.length ? 'full' : 'inconsistent');
  const sharers = [...new Set(known.flatMap((info) => info.sharedWith))].sort();
  const quorum = known.length === 0 ? 0 : agreed(known.map((info) => info.quorum));
  return {
    'key-reference': reference(key.handle),
    'key-info': {
      'key-owners': [...new Set(known.map((info) => info.owner))].map((username) => ({
        username,
        'key-coverage': coverage(known.filter((info) => info.owner === username).length),
      })),
      'shared-users': sharers.map((username) => ({
        username,
        'key-coverage': coverage(known.filter((info) => info.sharedWith.includes(username)).length),
      })),
      'key-quorum-values': { 'manage-key-quorum-value': quorum, 'use-key-quorum-value': quorum },
      'cluster-coverage': coverage(known.length),
    },
    attributes: { ...key.attributes, ...booleans(key.handle, nodes) },
  };
}

function booleans(handle: number, nodes: readonly NodeWork[]): Readonly<Record<string, boolean | 'inconsistent'>> {
  const read: Record<string, boolean | 'inconsistent'> = {};
  for (const [name, number] of Object.entries(CKA_OF)) {
    const values = nodes.flatMap(({ session }) => {
      const value = answered(() => session.getAttribute(handle, number));
      return value === null ? [] : [boolOf(value)];
    });
    const value = agreed(values);
    if (value !== undefined && values.length > 0) read[kebabName(name as keyof typeof CKA_OF)] = value;
  }
  return read;
}

/** null: this HSM refuses, for it has not that key or attribute. */
function answered<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof HsmRefusal) return null;
    throw error;
  }
}

/** The one key that the filter names. */
async function filteredHandle(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<number> {
  const filter = words.flags.get('filter') ?? [];
  const [only] = filter;
  // An admin sees no keys, and names one by its reference.
  if (filter.length === 1 && only?.startsWith('key-reference=') && options.login?.role === 'admin') {
    return Number(only.slice('key-reference='.length));
  }
  const found = (await visibleKeys(cluster, options.login)).filter((key) => fits(key, filter));
  const [key] = found;
  if (key !== undefined && found.length === 1) return key.handle;
  throw new HsmRefusal(
    'filter',
    null,
    found.length === 0 ? 'no key fits the filter' : 'more than one key fits the filter',
  );
}

export const setSharing =
  (isShared: boolean) =>
  async (cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<unknown> => {
    const handle = await filteredHandle(cluster, words, options);
    const name = required(words, 'username').toLowerCase();
    if (required(words, 'role') !== 'crypto-user') throw usage(`${words.command}: keys are shared with crypto users`);
    onEveryNode(cluster, options.login, (nodes) => {
      for (const { node, session } of nodes) {
        const user = node.users().find((each) => each.name.toLowerCase() === name && each.type === 'CU');
        if (user === undefined) throw new HsmRefusal('no-such-user', null, `there is no crypto-user ${name}`);
        session.share(handle, user.id, isShared);
      }
    });
    return { message: `Key ${isShared ? 'shared' : 'unshared'} successfully` };
  };

export async function setAttribute(
  cluster: SimulatedCluster,
  words: ToolWords,
  options: ToolOptions,
): Promise<unknown> {
  const handle = await filteredHandle(cluster, words, options);
  const { type, value } = attributeOf(required(words, 'name'), required(words, 'value'));
  onEveryNode(cluster, options.login, (nodes) => {
    for (const { session } of nodes) session.setAttribute(handle, type, value);
  });
  return { message: 'Attribute set successfully' };
}

function attributeOf(name: string, text: string): Attribute {
  if (name === 'label') return { type: CKA.LABEL, value: new Uint8Array(Buffer.from(text, 'utf8')) };
  const entry = Object.entries(CKA_OF).find(([each]) => kebabName(each as keyof typeof CKA_OF) === name);
  if (entry === undefined) throw usage(`--name: there is no attribute ${name}`);
  if (text !== 'true' && text !== 'false') throw usage(`--value: ${name} is true or false`);
  return { type: entry[1], value: new Uint8Array([text === 'true' ? 1 : 0]) };
}
