/** Masked objects: who takes one out, what comes back of it, and where it opens. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SimulatedCluster } from '../../../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { CKA, CKM } from '../../../../../src/adapters/pkcs11/constants.ts';
import {
  aCluster,
  type Client,
  cryptoUser,
  flag,
  isListed,
  logIn,
  makeAes,
  nodeAt,
  officer,
  refusalOf,
  rsaTemplates,
  userId,
} from '../../../../support/cluster-fixtures.ts';

const ALL = Object.values(CKA).filter((type) => type !== CKA.VALUE);

interface Scene {
  readonly cluster: SimulatedCluster;
  readonly client: Client;
  readonly object: bigint;
  readonly handle: number;
}

async function aKey(options: Parameters<typeof aCluster>[0] = {}): Promise<Scene> {
  const cluster = await aCluster(options);
  onTestFinished(() => cluster.close());
  const client = logIn(cluster);
  const label = { type: CKA.LABEL, value: new Uint8Array(Buffer.from('kept')) };
  const object = await makeAes(client, [flag(CKA.EXTRACTABLE, false), label]);
  return { cluster, client, object, handle: cluster.keyHandle(client.session, object) };
}

const shown = ({ module, session }: Client, object: bigint): unknown =>
  module.C_GetAttributeValue(session, object, ALL);

describe('a masked object', () => {
  test('comes back as the key it was, under another handle, although it may not be exported', async () => {
    const { cluster, client, object, handle } = await aKey();
    const masked = cryptoUser(nodeAt(cluster, 1)).extractMasked(handle);
    const { handle: copy, lostSharers } = cluster.insertMasked(client.session, masked);
    expect(lostSharers).toEqual([]);
    expect(copy).not.toBe(handle);
    const inserted = cluster.objectHandle(client.session, copy);
    expect(shown(client, inserted)).toEqual(shown(client, object));
    const encrypted = await Promise.all(
      [object, inserted].map((key) =>
        client.module.encrypt(client.session, { type: CKM.AES_ECB }, key, new Uint8Array(16)),
      ),
    );
    expect(encrypted[1]).toEqual(encrypted[0]);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('holds nothing of the key in clear, and is never twice the same', async () => {
    const { cluster, client } = await aKey();
    const readable = [flag(CKA.SENSITIVE, false), flag(CKA.EXTRACTABLE, true)];
    const object = await makeAes(client, [
      ...readable,
      { type: CKA.LABEL, value: new Uint8Array(Buffer.from('kept')) },
    ]);
    const handle = cluster.keyHandle(client.session, object);
    const [value] = client.module.C_GetAttributeValue(client.session, object, [CKA.VALUE]);
    const session = cryptoUser(nodeAt(cluster, 0));
    const masked = Buffer.from(session.extractMasked(handle));
    expect(value?.value).toHaveLength(32);
    expect(masked.includes(Buffer.from(value?.value ?? []))).toBe(false);
    expect(masked.includes('kept')).toBe(false);
    expect(Buffer.from(session.extractMasked(handle)).equals(masked)).toBe(false);
  });

  test('keeps owner, sharing and attributes of the node it was taken from, whoever inserts it', async () => {
    const { cluster, client, handle } = await aKey();
    for (const node of cluster.nodes) {
      const session = cryptoUser(node);
      session.share(handle, userId(node, 'user5'), true);
      session.setAttribute(handle, CKA.WRAP, Uint8Array.of(0));
    }
    const other = logIn(cluster, 'user5');
    const { handle: copy } = cluster.insertMasked(other.session, officer(nodeAt(cluster, 0)).extractMasked(handle));
    for (const node of cluster.nodes) {
      const info = cryptoUser(node).keyInfo(copy);
      expect([info.owner, info.sharedWith]).toEqual([userId(node, 'user4'), [userId(node, 'user5')]]);
      expect(cryptoUser(node).getAttribute(copy, CKA.WRAP)).toEqual(Uint8Array.of(0));
    }
    expect(isListed(other.module, other.session, cluster.objectHandle(other.session, copy))).toBe(true);
    expect(isListed(client.module, client.session, cluster.objectHandle(client.session, copy))).toBe(true);
  });

  test('keeps the approvals that the key wants', async () => {
    const { cluster, client } = await aKey();
    const guard = { quorum: { manage: 2, use: 2 }, users: [userId(nodeAt(cluster, 0), 'user5')] };
    const object = await cluster.createGuarded(client.session, guard, () => makeAes(client));
    const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(cluster.keyHandle(client.session, object));
    const { handle } = cluster.insertMasked(client.session, masked);
    expect(cryptoUser(nodeAt(cluster, 2)).keyInfo(handle).quorums).toEqual({ manage: 2, use: 2 });
    const copy = cluster.objectHandle(client.session, handle);
    const use = client.module.encrypt(client.session, { type: CKM.AES_ECB }, copy, new Uint8Array(16));
    await expect(use).rejects.toThrow('CKR_KEY_FUNCTION_NOT_PERMITTED');
  });

  test('also of a pair, half by half', async () => {
    const { cluster, client } = await aKey();
    const mechanism = { type: CKM.RSA_X9_31_KEY_PAIR_GEN };
    const pair = await client.module.C_GenerateKeyPair(client.session, mechanism, ...rsaTemplates());
    for (const half of [pair.publicKey, pair.privateKey]) {
      const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(cluster.keyHandle(client.session, half));
      const { handle } = cluster.insertMasked(client.session, masked);
      expect(shown(client, cluster.objectHandle(client.session, handle))).toEqual(shown(client, half));
    }
  });
});

describe('who takes it out', () => {
  test('its owner and officers, not whom it is shared with', async () => {
    const { cluster, handle } = await aKey();
    const node = nodeAt(cluster, 0);
    cryptoUser(node).share(handle, userId(node, 'user5'), true);
    expect(refusalOf(() => cryptoUser(node, 'user5').extractMasked(handle))).toBe('access-denied 0xc6');
    expect(refusalOf(() => officer(node).extractMasked(handle))).toBe('not refused');
    expect(refusalOf(() => officer(node).extractMasked(4711))).toBe('no-such-key 0xa8');
  });

  test('no session key', async () => {
    const { cluster, client } = await aKey();
    const object = await makeAes(client, [flag(CKA.TOKEN, false)]);
    const handle = cluster.keyHandle(client.session, object);
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 0)).extractMasked(handle))).toBe('key-of-session');
  });
});

describe('where it opens', () => {
  test('in a clone, not in another cluster', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyferry-masked-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const original = join(folder, 'original');
    const { cluster, client } = await aKey({ stateDir: original });
    const clone = join(folder, 'clone');
    cpSync(original, clone, { recursive: true });
    const later = await makeAes(client);
    const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(cluster.keyHandle(client.session, later));
    const cloned = await aCluster({ stateDir: clone });
    onTestFinished(() => cloned.close());
    const there = logIn(cloned);
    const { handle: copy } = cloned.insertMasked(there.session, masked);
    expect(cryptoUser(nodeAt(cloned, 0)).keyInfo(copy).owner).toBe(userId(nodeAt(cloned, 0), 'user4'));
    const { cluster: foreign, client: stranger } = await aKey();
    expect(refusalOf(() => foreign.insertMasked(stranger.session, masked))).toBe('masked-object');
  });

  test('not cut, changed or of another form', async () => {
    const { cluster, client, handle } = await aKey();
    const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(handle);
    const insert = (bytes: Uint8Array): string => refusalOf(() => cluster.insertMasked(client.session, bytes));
    expect(insert(masked.subarray(0, -1))).toBe('masked-object');
    for (const at of [0, 30, masked.length - 1]) {
      expect(insert(masked.map((byte, place) => (place === at ? byte ^ 1 : byte)))).toBe('masked-object');
    }
    expect(insert(new Uint8Array())).toBe('masked-object');
    expect(client.module.findObjects(client.session, [])).toHaveLength(1);
  });

  test('not beside a key with the same id, nor for an owner who is gone', async () => {
    const { cluster, client } = await aKey();
    const id = { type: CKA.ID, value: Uint8Array.of(7) };
    const object = await makeAes(client, [id]);
    const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(cluster.keyHandle(client.session, object));
    expect(refusalOf(() => cluster.insertMasked(client.session, masked))).toBe('key-id');
    for (const handle of client.module.findObjects(client.session, []))
      client.module.C_DestroyObject(client.session, handle);
    expect(refusalOf(() => cluster.insertMasked(client.session, masked))).toBe('not refused');
    for (const handle of client.module.findObjects(client.session, []))
      client.module.C_DestroyObject(client.session, handle);
    const other = logIn(cluster, 'user5');
    for (const node of cluster.nodes) officer(node).deleteUser('CU', 'user4');
    expect(refusalOf(() => cluster.insertMasked(client.session, masked))).toBe('session-closed');
    expect(refusalOf(() => cluster.insertMasked(other.session, masked))).toBe('no-such-user 0xce');
  });

  test('without those it was shared with who are gone, which is said', async () => {
    const { cluster, client, handle } = await aKey();
    for (const node of cluster.nodes) cryptoUser(node).share(handle, userId(node, 'user5'), true);
    const masked = cryptoUser(nodeAt(cluster, 0)).extractMasked(handle);
    for (const node of cluster.nodes) officer(node).deleteUser('CU', 'user5');
    const inserted = cluster.insertMasked(client.session, masked);
    expect(inserted.lostSharers).toEqual(['user5']);
    expect(cryptoUser(nodeAt(cluster, 0)).keyInfo(inserted.handle).sharedWith).toEqual([]);
  });
});
