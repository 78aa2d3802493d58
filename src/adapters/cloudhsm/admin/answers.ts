/**
 * Answers of `cloudhsm-cli`, read: users, keys, and where the HSMs of the cluster do not agree. Source: user guide, `cloudhsm_cli-user-list`,
 * `cloudhsm_cli-key-list`. Any field may be "inconsistent"; a coverage is "full" when every HSM has the thing.
 */

type Fields = Readonly<Record<string, unknown>>;

export interface ToolUser {
  /** Lower case, as the tool shows it: user names do not know case. */
  readonly name: string;
  /** `admin`, `crypto-user`, or `internal(…)`. */
  readonly role: string;
  /** null: the tool does not say, or the HSMs do not agree. */
  readonly isLocked: boolean | null;
  readonly hasQuorumKey: boolean;
  /** What the HSMs do not agree on; empty: nothing. */
  readonly disagreements: readonly string[];
}

export interface ToolKey {
  /** `0x` and 16 hex digits. */
  readonly reference: string;
  readonly owners: readonly string[];
  readonly sharedWith: readonly string[];
  readonly manageQuorum: number;
  readonly useQuorum: number;
  readonly attributes: Fields;
  readonly disagreements: readonly string[];
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const isTrue = (value: unknown): boolean => value === true || value === 'true';

export const sameUser = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** null: this is no listing of users. */
export function readUsers(data: unknown): readonly ToolUser[] | null {
  const users = fieldsOf(data).users;
  if (!Array.isArray(users)) return null;
  return users.filter(isFields).map((user) => ({
    name: textOf(user.username).toLowerCase(),
    role: textOf(user.role),
    isLocked: user.locked === undefined || user.locked === 'inconsistent' ? null : isTrue(user.locked),
    hasQuorumKey: listOf(user.quorum).some((method) => fieldsOf(method).status === 'enabled'),
    disagreements: disagreementsIn(user),
  }));
}

export interface KeyPage {
  readonly keys: readonly ToolKey[];
  /** Of the next page, null on the last. */
  readonly next: string | null;
  /** Of all pages, null where the tool does not say. */
  readonly total: number | null;
}

/** null: this is no listing of keys. */
export function readKeys(data: unknown): KeyPage | null {
  const fields = fieldsOf(data);
  const keys = fields.matched_keys;
  if (!Array.isArray(keys)) return null;
  const next = fields.next_token ?? fields['next-token'];
  return {
    keys: keys.filter(isFields).map(readKey),
    next: typeof next === 'string' || typeof next === 'number' ? String(next) : null,
    total: typeof fields.total_key_count === 'number' ? fields.total_key_count : null,
  };
}

function readKey(key: Fields): ToolKey {
  const info = fieldsOf(key['key-info']);
  const quorum = fieldsOf(info['key-quorum-values']);
  return {
    reference: textOf(key['key-reference']),
    owners: listOf(info['key-owners']).map(userNameOf),
    sharedWith: listOf(info['shared-users']).map(userNameOf),
    manageQuorum: Number(quorum['manage-key-quorum-value'] ?? 0),
    useQuorum: Number(quorum['use-key-quorum-value'] ?? 0),
    attributes: fieldsOf(key.attributes),
    disagreements: disagreementsIn(key),
  };
}

const userNameOf = (user: unknown): string =>
  (typeof user === 'string' ? user : textOf(fieldsOf(user).username)).toLowerCase();

/** `cluster-coverage is partial`, `attributes.wrap is inconsistent`. */
export function disagreementsIn(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => disagreementsIn(item, path));
  if (isFields(value)) {
    const who = textOf(value.username);
    return Object.entries(value).flatMap(([name, field]) => {
      const at = path === '' ? name : `${path}${who === '' ? '' : ` (${who})`}.${name}`;
      return name.endsWith('coverage') && typeof field === 'string' && field !== 'full'
        ? [`${at} is ${field}`]
        : disagreementsIn(field, at);
    });
  }
  return value === 'inconsistent' ? [`${path} is inconsistent`] : [];
}
