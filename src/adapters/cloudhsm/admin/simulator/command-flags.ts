/**
 * The flags of the commands of `user`, `key` and `quorum` that look and manage (user guide, cloudhsm_cli reference). Those that make, wrap
 * and file keys check their own, which depend on the mechanism.
 */
import { allowFlags, required, type ToolWords } from './tool-words.ts';

interface Flags {
  readonly needs: readonly string[];
  readonly takes: readonly string[];
}

const APPROVED = ['approval'] as const;
const USER: Flags = { needs: ['username', 'role'], takes: APPROVED };
const SHARE: Flags = { needs: ['filter', 'username', 'role'], takes: APPROVED };
const NONE: Flags = { needs: [], takes: [] };

const FLAGS: Readonly<Record<string, Flags>> = {
  'user list': NONE,
  'user create': USER,
  'user delete': USER,
  'user change-password': USER,
  'user change-quorum token-sign register': { needs: ['public-key', 'signed-token'], takes: APPROVED },
  'key list': { needs: [], takes: ['filter', 'max-items', 'starting-token', 'verbose'] },
  'key share': SHARE,
  'key unshare': SHARE,
  'key set-attribute': { needs: ['filter', 'name', 'value'], takes: APPROVED },
  'key delete': { needs: ['filter'], takes: APPROVED },
  'quorum token-sign generate': { needs: ['service', 'token'], takes: ['filter'] },
  'quorum token-sign list': NONE,
  'quorum token-sign delete': { needs: ['scope'], takes: [] },
  'quorum token-sign set-quorum-value': { needs: ['service', 'value'], takes: APPROVED },
  'quorum token-sign list-quorum-values': NONE,
};

/** Conditions of a filter are several words. */
const LISTS: ReadonlySet<string> = new Set(['filter']);

/** Throws a ToolFailure for a flag that the command does not have, and for one that it lacks. */
export function checkFlags(words: ToolWords): void {
  const flags = Object.hasOwn(FLAGS, words.command) ? FLAGS[words.command] : undefined;
  if (flags === undefined) return;
  allowFlags(words, [...flags.needs, ...flags.takes]);
  for (const name of flags.needs) if (!LISTS.has(name)) required(words, name);
}
