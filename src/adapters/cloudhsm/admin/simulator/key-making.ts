/**
 * What the commands of the simulated tool that create keys have in common: the attributes that they are given (all usage false, extractable
 * and destroyable true, where nothing else is said), whom they are shared with and what approvals they want.
 */
import { ATTRIBUTE_NAMES, attributeFromKebab } from '../../../../keys/attributes.ts';
import { boolAttribute, CKA_OF, ulongAttribute } from '../../../pkcs11/attribute-codec.ts';
import { CKA, CKO } from '../../../pkcs11/constants.ts';
import type { Attribute, Handle } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type KeyGuard } from '../../cluster/cluster.ts';
import type { ToolLogin } from '../admin-tool.ts';
import { type KeyDesk, keyOf } from './key-desk.ts';
import { shownInFull } from './key-shown.ts';
import { upNodes } from './node-sessions.ts';
import { given, listed, numberAt, type ToolWords, usage } from './tool-words.ts';

/** Of each class: false unless an argument says otherwise. */
const USAGE: Readonly<Record<number, readonly number[]>> = {
  [CKO.SECRET_KEY]: [
    ...[CKA.ENCRYPT, CKA.DECRYPT, CKA.SIGN, CKA.VERIFY, CKA.WRAP, CKA.UNWRAP],
    ...[CKA.DERIVE, CKA.WRAP_WITH_TRUSTED],
  ],
  [CKO.PUBLIC_KEY]: [CKA.ENCRYPT, CKA.VERIFY, CKA.WRAP, CKA.DERIVE],
  [CKO.PRIVATE_KEY]: [CKA.DECRYPT, CKA.SIGN, CKA.UNWRAP, CKA.DERIVE, CKA.WRAP_WITH_TRUSTED],
};

export interface NewKey {
  readonly class: number;
  readonly keyType: number;
  /** Of the flag with the label, and of that with the attributes. */
  readonly label: string;
  readonly attributes: string;
}

/** Throws ToolFailure for attributes that cannot be read. */
export function templateOf(words: ToolWords, { class: keyClass, keyType, label, attributes }: NewKey): Attribute[] {
  const wanted = new Map<number, Uint8Array>();
  for (const word of listed(words, attributes)) {
    const { type, value } = readAttribute(word, attributes);
    wanted.set(type, value);
  }
  const isGuarded = keyClass !== CKO.PUBLIC_KEY;
  const usual = [
    ...(USAGE[keyClass] ?? []).map((type) => boolAttribute(type, false)),
    boolAttribute(CKA.DESTROYABLE, true),
    ...(isGuarded ? [boolAttribute(CKA.SENSITIVE, true), boolAttribute(CKA.EXTRACTABLE, true)] : []),
  ];
  return [
    ulongAttribute(CKA.CLASS, keyClass),
    ulongAttribute(CKA.KEY_TYPE, keyType),
    boolAttribute(CKA.TOKEN, true),
    { type: CKA.LABEL, value: new Uint8Array(Buffer.from(given(words, label) ?? '', 'utf8')) },
    ...usual.filter(({ type }) => !wanted.has(type)),
    ...[...wanted].map(([type, value]) => ({ type, value })),
  ];
}

function readAttribute(word: string, flag: string): Attribute {
  const [name = '', value = '', more] = word.split('=');
  if (name === 'id' && /^0x(?:[0-9a-f]{2})*$/i.test(value)) {
    return { type: CKA.ID, value: new Uint8Array(Buffer.from(value.slice(2), 'hex')) };
  }
  const attribute = attributeFromKebab(name);
  if (attribute === undefined || more !== undefined || (value !== 'true' && value !== 'false')) {
    throw usage(
      `--${flag}: ${word} is none of ${ATTRIBUTE_NAMES.length} attributes as name=true or name=false, nor id=0x…`,
    );
  }
  return boolAttribute(CKA_OF[attribute], value === 'true');
}

/** Flags of a command whose keys may be shared and guarded. `half`: `private-` for a pair. */
export const guardFlags = (half = ''): readonly string[] => [
  'share-crypto-users',
  `manage-${half}key-quorum-value`,
  `use-${half}key-quorum-value`,
];

function guardOf({ cluster }: KeyDesk, words: ToolWords, half: string): KeyGuard | null {
  const [, manage = '', use = ''] = guardFlags(half);
  const names = listed(words, 'share-crypto-users').map((name) => name.toLowerCase());
  const hasQuorum = words.flags.has(manage) || words.flags.has(use);
  if (words.flags.has(manage) !== words.flags.has(use)) {
    throw usage(`${words.command}: --${manage} and --${use} go together`);
  }
  if (names.length === 0 && !hasQuorum) return null;
  const [node] = upNodes(cluster);
  const users = names.map((name) => {
    const user = node?.users().find((each) => each.type === 'CU' && each.name.toLowerCase() === name);
    if (user === undefined) throw new HsmRefusal('no-such-user', null, `there is no crypto-user ${name}`);
    return user.id;
  });
  const quorum = hasQuorum
    ? { manage: atLeastTwo(numberAt(words, manage)), use: atLeastTwo(numberAt(words, use)) }
    : { manage: 0, use: 0 };
  return { quorum, users };
}

/** 0 and 0 would be no quorum to the cluster; given as values they are refused as 1 is. */
const atLeastTwo = (value: number): number => Math.max(value, 1);

export async function makeGuarded<T>(desk: KeyDesk, words: ToolWords, make: () => Promise<T>, half = ''): Promise<T> {
  const guard = guardOf(desk, words, half);
  return guard === null ? await make() : await desk.cluster.createGuarded(desk.session, guard, make);
}

/** A new key as the tool answers with it. */
export const shownKey = (desk: KeyDesk, login: ToolLogin | null, object: Handle): unknown =>
  shownInFull(desk, login, [keyOf(desk, object)])[0];
