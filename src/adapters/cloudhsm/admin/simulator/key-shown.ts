/** A key as the tool shows it with --verbose: owners, sharing, quorum and attributes, with what the HSMs do not agree on. */
import { ATTRIBUTE_NAMES, kebabName } from '../../../../keys/attributes.ts';
import { boolOf, CKA_OF } from '../../../pkcs11/attribute-codec.ts';
import { HsmRefusal } from '../../cluster/cluster.ts';
import type { ToolLogin } from '../admin-tool.ts';
import { type FoundKey, inFull, type KeyDesk, reference } from './key-desk.ts';
import { type NodeWork, onEveryNode } from './node-sessions.ts';
import { agreed } from './user-commands.ts';

/** Logs in on every HSM. */
export function shownInFull(desk: KeyDesk, login: ToolLogin | null, keys: readonly FoundKey[]): unknown[] {
  return onEveryNode(desk.cluster, login, (nodes) => keys.map((key) => verbose(inFull(desk, key), nodes)));
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
      : { owner: nameOf(info.owner), sharedWith: info.sharedWith.map(nameOf), quorums: info.quorums };
  });
  const known = infos.filter((info) => info !== null);
  const coverage = (count: number): string => (count === nodes.length ? 'full' : 'inconsistent');
  const sharers = [...new Set(known.flatMap((info) => info.sharedWith))].sort();
  const quorum = (which: 'manage' | 'use') =>
    known.length === 0 ? 0 : agreed(known.map((info) => info.quorums[which]));
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
      'key-quorum-values': { 'manage-key-quorum-value': quorum('manage'), 'use-key-quorum-value': quorum('use') },
      'cluster-coverage': coverage(known.length),
    },
    attributes: { ...key.attributes, ...nodeBooleans(key.handle, nodes) },
  };
}

/** Attributes that may differ from HSM to HSM. */
function nodeBooleans(handle: number, nodes: readonly NodeWork[]): Readonly<Record<string, boolean | 'inconsistent'>> {
  const read: Record<string, boolean | 'inconsistent'> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const values = nodes.flatMap(({ session }) => {
      const value = answered(() => session.getAttribute(handle, CKA_OF[name]));
      return value === null ? [] : [boolOf(value)];
    });
    const value = agreed(values);
    if (value !== undefined && values.length > 0) read[kebabName(name)] = value;
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
