/** What happens by itself when its time comes: imported material expires, and keys whose waiting period is over are gone. */
import type { KeyRecord } from './key-record.ts';
import type { Entry, KeyStore } from './key-store.ts';
import { withoutBytes } from './withdrawn-material.ts';

export function meetDeadlines(store: KeyStore, nowMs: number): void {
  if (nowMs < store.nextDeadlineMs) return;
  store.change(() => ({ entries: store.keys().flatMap((key) => dueEntries(store, key, nowMs)), result: null }));
  store.recountDeadlines();
}

function dueEntries(store: KeyStore, key: KeyRecord, nowMs: number): readonly Entry[] {
  if (key.deletion !== null && key.deletion.atMs <= nowMs) {
    const aliases = store.aliasesOf(key.id);
    const grants = store.grants().filter((grant) => grant.keyId === key.id);
    return [
      { kind: 'no-key', id: key.id },
      ...aliases.map(({ name }): Entry => ({ kind: 'no-alias', name })),
      ...grants.map(({ id }): Entry => ({ kind: 'no-grant', id })),
    ];
  }
  const expired = key.materials.filter(
    ({ bytes, validToMs }) => bytes !== null && validToMs !== null && validToMs <= nowMs,
  );
  if (expired.length === 0) return [];
  const materials = expired.reduce((left, { id }) => withoutBytes(left, id), key.materials);
  return [{ kind: 'key', key: { ...key, materials } }];
}
