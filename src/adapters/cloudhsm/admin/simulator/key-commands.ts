/** `key list`, `share`, `unshare`, `set-attribute` and `delete` of the simulated tool. Answers: user guide, `cloudhsm_cli-key-*`. */
import { kebabName } from '../../../../keys/attributes.ts';
import { CKA_OF } from '../../../pkcs11/attribute-codec.ts';
import { CKA } from '../../../pkcs11/constants.ts';
import type { Attribute } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { handInApprovals } from './key-approval.ts';
import { atKeyDesk, keyNamed, keysLike, reference } from './key-desk.ts';
import { shownInFull } from './key-shown.ts';
import { onEveryNode } from './node-sessions.ts';
import { given, listed, required, type ToolWords, usage } from './tool-words.ts';

const DEFAULT_PAGE = 10;

export async function listKeys(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<unknown> {
  // Logs in on every HSM even when there is nothing to list, as the tool does. An admin has no keys.
  onEveryNode(cluster, options.login, () => undefined);
  if (options.login?.role !== 'crypto-user') return { matched_keys: [], total_key_count: 0, returned_key_count: 0 };
  return await atKeyDesk(cluster, options.login, (desk) => {
    const all = keysLike(desk, listed(words, 'filter'));
    const start = Number(given(words, 'starting-token') ?? 0);
    const size = Number(given(words, 'max-items') ?? DEFAULT_PAGE);
    const page = all.slice(start, start + size);
    const keys = words.flags.has('verbose')
      ? shownInFull(desk, options.login, page)
      : page.map(({ handle, attributes }) => ({
          'key-reference': reference(handle),
          attributes: { label: attributes.label },
        }));
    return {
      matched_keys: keys,
      total_key_count: all.length,
      returned_key_count: page.length,
      ...(start + size < all.length ? { next_token: String(start + size) } : {}),
    };
  });
}

/** The one key that the filter names. */
async function filteredHandle(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<number> {
  const filter = listed(words, 'filter');
  const [only] = filter;
  // An admin sees no keys, and names one by its reference.
  if (filter.length === 1 && only?.startsWith('key-reference=') && options.login?.role === 'admin') {
    return Number(only.slice('key-reference='.length));
  }
  return await atKeyDesk(cluster, options.login, (desk) => keyNamed(desk, words).handle);
}

export const setSharing =
  (isShared: boolean) =>
  async (cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<unknown> => {
    const handle = await filteredHandle(cluster, words, options);
    const name = required(words, 'username').toLowerCase();
    if (required(words, 'role') !== 'crypto-user') throw usage(`${words.command}: keys are shared with crypto users`);
    approveManagement(cluster, words, options, handle);
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
  approveManagement(cluster, words, options, handle);
  onEveryNode(cluster, options.login, (nodes) => {
    for (const { session } of nodes) session.setAttribute(handle, type, value);
  });
  return { message: 'Attribute set successfully' };
}

function approveManagement(cluster: SimulatedCluster, words: ToolWords, { login }: ToolOptions, handle: number): void {
  handInApprovals(cluster, login, [{ handle, service: 'key-management', file: given(words, 'approval') }]);
}

function attributeOf(name: string, text: string): Attribute {
  if (name === 'label') return { type: CKA.LABEL, value: new Uint8Array(Buffer.from(text, 'utf8')) };
  const entry = Object.entries(CKA_OF).find(([each]) => kebabName(each as keyof typeof CKA_OF) === name);
  if (entry === undefined) throw usage(`--name: there is no attribute ${name}`);
  if (text !== 'true' && text !== 'false') throw usage(`--value: ${name} is true or false`);
  return { type: entry[1], value: new Uint8Array([text === 'true' ? 1 : 0]) };
}

export async function deleteKey(cluster: SimulatedCluster, words: ToolWords, options: ToolOptions): Promise<unknown> {
  await atKeyDesk(cluster, options.login, (desk) => {
    desk.module.C_DestroyObject(desk.session, keyNamed(desk, words).object);
  });
  return { message: 'Key deleted successfully' };
}
