import { describe, expect, test } from 'vitest';
import { CLOUDHSM_CKM } from '../../../../../src/adapters/cloudhsm/profile.ts';
import { CKA, CKM, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { encodeTemplate } from '../../../../../src/adapters/pkcs11/simulator/attribute-values.ts';
import {
  aCluster,
  cryptoUser,
  flag,
  isListed,
  logIn,
  makeAes,
  nodeAt,
  officer,
  refusalOf,
  rsaTemplates,
  unwrapTemplate,
  userId,
} from '../../../../support/cluster-fixtures.ts';

const WRAP = { type: CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD };

async function sharedKey() {
  const cluster = await aCluster();
  const owner = logIn(cluster, 'user4');
  const other = logIn(cluster, 'user5');
  const object = await makeAes(owner, [flag(CKA.EXTRACTABLE, true)]);
  const handle = cluster.keyHandle(owner.session, object);
  const share = (isShared: boolean): void => {
    for (const node of cluster.nodes) cryptoUser(node).share(handle, userId(node, 'user5'), isShared);
  };
  return { cluster, owner, other, object, handle, share };
}

describe('keys of a cluster', () => {
  test('carry the creating node in their handle, the same for everybody', async () => {
    const { cluster, owner, other, handle, object } = await sharedKey();
    expect(handle).toBe(3 * 2 ** 18 + 1);
    expect(cluster.objectHandle(owner.session, handle)).toBe(object);
    const pair = await owner.module.C_GenerateKeyPair(
      owner.session,
      { type: CKM.RSA_X9_31_KEY_PAIR_GEN },
      ...rsaTemplates(),
    );
    const publicHandle = cluster.keyHandle(owner.session, pair.publicKey);
    expect([publicHandle, cluster.keyHandle(owner.session, pair.privateKey)]).toEqual([handle + 1, handle + 2]);
    expect(cluster.keyHandle(other.session, cluster.objectHandle(other.session, publicHandle))).toBe(publicHandle);
  });

  test('are seen by their owner only, public ones by every crypto user', async () => {
    const { cluster, owner, other, handle, object } = await sharedKey();
    expect(isListed(owner.module, owner.session, object)).toBe(true);
    expect(other.module.findObjects(other.session, [])).toEqual([]);
    expect(refusalOf(() => cluster.objectHandle(other.session, handle))).toBe('no-such-key 0xa8');
    expect(refusalOf(() => cluster.keyHandle(other.session, 12_345n))).toBe('no-such-key 0xa8');
    await owner.module.C_GenerateKeyPair(owner.session, { type: CKM.RSA_X9_31_KEY_PAIR_GEN }, ...rsaTemplates());
    expect(other.module.findObjects(other.session, [])).toHaveLength(1);
  });

  test('shared: used, also to wrap own keys and to unwrap, and never taken out, deleted or changed', async () => {
    const { cluster, other, handle, share } = await sharedKey();
    share(true);
    const { module, session } = other;
    const shared = cluster.objectHandle(session, handle);
    const own = await makeAes(other, [flag(CKA.EXTRACTABLE, true)]);
    const wrapped = await module.C_WrapKey(session, WRAP, shared, own);
    const copy = await module.C_UnwrapKey(session, WRAP, shared, wrapped, unwrapTemplate());
    expect(cluster.keyHandle(session, copy)).toBeGreaterThan(handle);
    await expect(module.C_WrapKey(session, WRAP, own, shared)).rejects.toMatchObject({ value: CKR.KEY_NOT_WRAPPABLE });
    expect(() => module.C_DestroyObject(session, shared)).toThrow(
      expect.objectContaining({ value: CKR.ACTION_PROHIBITED }),
    );
    expect(() => module.C_SetAttributeValue(session, shared, [flag(CKA.WRAP, false)])).toThrow(
      expect.objectContaining({ value: CKR.ACTION_PROHIBITED }),
    );
    const node = nodeAt(cluster, 0);
    const session5 = cryptoUser(node, 'user5');
    expect(refusalOf(() => session5.share(handle, userId(node, 'user4'), true))).toBe('access-denied 0xc6');
    expect(refusalOf(() => session5.setAttribute(handle, CKA.WRAP, Uint8Array.of(0)))).toBe('access-denied 0xc6');
    expect(session5.getAttribute(handle, CKA.WRAP)).toEqual(Uint8Array.of(1));
    share(false);
    expect(() => cluster.objectHandle(session, handle)).toThrow();
    await expect(module.C_WrapKey(session, WRAP, shared, own)).rejects.toMatchObject({
      value: CKR.WRAPPING_KEY_HANDLE_INVALID,
    });
  });

  test('the bytes of a key that is not sensitive stay hidden from those it is shared with', async () => {
    const cluster = await aCluster();
    const owner = logIn(cluster);
    const object = await makeAes(owner, [flag(CKA.EXTRACTABLE, true), flag(CKA.SENSITIVE, false)]);
    const handle = cluster.keyHandle(owner.session, object);
    cryptoUser(nodeAt(cluster, 0)).share(handle, userId(nodeAt(cluster, 0), 'user5'), true);
    const { module, session } = logIn(cluster, 'user5');
    const [own] = owner.module.C_GetAttributeValue(owner.session, object, [CKA.VALUE]);
    const [shown] = module.C_GetAttributeValue(session, cluster.objectHandle(session, handle), [CKA.VALUE]);
    expect([own?.value?.length, shown?.value]).toEqual([32, null]);
  });

  test('say who owns them and who may use them, to those people', async () => {
    const { cluster, handle, share } = await sharedKey();
    share(true);
    const node = nodeAt(cluster, 2);
    const info = {
      handle,
      owner: userId(node, 'user4'),
      sharedWith: [userId(node, 'user5')],
      isSession: false,
      quorum: 0,
      quorums: { manage: 0, use: 0 },
    };
    expect(cryptoUser(node).keyInfo(handle)).toEqual(info);
    share(false);
    expect(refusalOf(() => cryptoUser(node, 'user5').keyInfo(handle))).toBe('access-denied 0xc6');
    expect(refusalOf(() => officer(node).keyInfo(handle))).toBe('wrong-user-type');
    expect(refusalOf(() => cryptoUser(node).keyInfo(handle + 1))).toBe('no-such-key 0xa8');
  });

  test('are listed for officers by user, owned and shared, with a hash that tells a difference', async () => {
    const { cluster, handle, share } = await sharedKey();
    const node = nodeAt(cluster, 0);
    const session = officer(node);
    const before = session.keyHash();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    share(true);
    expect(session.findAllKeys(userId(node, 'user4'))).toEqual([{ handle, isOwned: true }]);
    expect(session.findAllKeys(userId(node, 'user5'))).toEqual([{ handle, isOwned: false }]);
    expect(session.keyHash()).not.toBe(before);
    share(false);
    expect(session.keyHash()).toBe(before);
    expect(refusalOf(() => cryptoUser(node).findAllKeys(5))).toBe('wrong-user-type');
    expect(refusalOf(() => cryptoUser(node).keyHash())).toBe('wrong-user-type');
  });

  test('cannot be shared with oneself, an officer or nobody; public ones not at all', async () => {
    const { cluster, owner, handle } = await sharedKey();
    const node = nodeAt(cluster, 0);
    const session = cryptoUser(node);
    expect(refusalOf(() => session.share(handle, userId(node, 'user4'), true))).toBe('user-owns-key');
    expect(refusalOf(() => session.share(handle, userId(node, 'officer1'), true))).toBe('no-such-user 0xce');
    expect(refusalOf(() => session.share(handle, 99, true))).toBe('no-such-user 0xce');
    const pair = await owner.module.C_GenerateKeyPair(
      owner.session,
      { type: CKM.RSA_X9_31_KEY_PAIR_GEN },
      ...rsaTemplates(),
    );
    const publicHandle = cluster.keyHandle(owner.session, pair.publicKey);
    expect(refusalOf(() => session.share(publicHandle, userId(node, 'user5'), true))).toBe('key-public');
  });

  test('keep their owner: no user is deleted who owns keys', async () => {
    const { cluster, owner, object, share } = await sharedKey();
    share(true);
    const node = nodeAt(cluster, 0);
    expect(refusalOf(() => officer(node).deleteUser('CU', 'user4'))).toBe('user-owns-keys');
    owner.module.C_DestroyObject(owner.session, object);
    officer(node).deleteUser('CU', 'user4');
    expect(node.users().some(({ name }) => name === 'user4')).toBe(false);
    expect(() => owner.module.findObjects(owner.session, [])).not.toThrow();
    await expect(makeAes(owner)).rejects.toMatchObject({ value: CKR.USER_NOT_LOGGED_IN });
  });

  test('deleting a key or a user ends its shares', async () => {
    const { cluster, other, owner, object, handle, share } = await sharedKey();
    share(true);
    officer(nodeAt(cluster, 0)).deleteUser('CU', 'user5');
    expect(cryptoUser(nodeAt(cluster, 0)).keyInfo(handle).sharedWith).toEqual([]);
    expect(cryptoUser(nodeAt(cluster, 1)).keyInfo(handle).sharedWith).toHaveLength(1);
    owner.module.C_DestroyObject(owner.session, object);
    expect(other.module.findObjects(other.session, [])).toEqual([]);
    expect(cluster.syncCheck().filter(({ what }) => what === 'sharing')).toEqual([]);
  });
});

describe('attributes changed by the management tool', () => {
  test('hold on that HSM only and show there where the library is served', async () => {
    const { cluster, owner, object, handle } = await sharedKey();
    const [first, second] = [nodeAt(cluster, 0), nodeAt(cluster, 1)];
    cryptoUser(first).setAttribute(handle, CKA.WRAP, Uint8Array.of(0));
    expect(cryptoUser(first).getAttribute(handle, CKA.WRAP)).toEqual(Uint8Array.of(0));
    expect(cryptoUser(second).getAttribute(handle, CKA.WRAP)).toEqual(Uint8Array.of(1));
    const payload = await makeAes(owner, [flag(CKA.EXTRACTABLE, true)]);
    await expect(owner.module.C_WrapKey(owner.session, WRAP, object, payload)).rejects.toMatchObject({
      value: CKR.KEY_FUNCTION_NOT_PERMITTED,
    });
    expect(owner.module.findObjects(owner.session, [flag(CKA.WRAP, false)])).toEqual([object]);
    cluster.fail(first.id);
    expect((await owner.module.C_WrapKey(owner.session, WRAP, object, payload)).length).toBe(40);
  });

  test.each([
    ['extractable', CKA.EXTRACTABLE, Uint8Array.of(0), 'attribute-read-only'],
    ['sensitive', CKA.SENSITIVE, Uint8Array.of(0), 'attribute-read-only'],
    ['class', CKA.CLASS, new Uint8Array(8), 'attribute-read-only'],
    ['a modulus on a secret key', CKA.MODULUS, new Uint8Array(8), 'no-such-attribute'],
    ['an attribute that does not exist', 999, Uint8Array.of(0), 'no-such-attribute'],
    ['a boolean of two bytes', CKA.WRAP, Uint8Array.of(0, 1), 'attribute-value'],
    ['a boolean of 2', CKA.WRAP, Uint8Array.of(2), 'attribute-value'],
    ['trusted, by a crypto user', CKA.TRUSTED, Uint8Array.of(1), 'wrong-user-type'],
  ])('refuses %s', async (_case, attribute, value, refusal) => {
    const { cluster, handle } = await sharedKey();
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 0)).setAttribute(handle, attribute, value))).toBe(refusal);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('label, destroyable and templates change too; what keys do not have cannot be read', async () => {
    const { cluster, owner, object, handle } = await sharedKey();
    const session = cryptoUser(nodeAt(cluster, 0));
    session.setAttribute(handle, CKA.LABEL, Buffer.from('renamed'));
    session.setAttribute(handle, CKA.DESTROYABLE, Uint8Array.of(0));
    session.setAttribute(handle, CKA.UNWRAP_TEMPLATE, encodeTemplate([flag(CKA.EXTRACTABLE, false)]));
    expect(Buffer.from(session.getAttribute(handle, CKA.LABEL)).toString()).toBe('renamed');
    expect(session.getAttribute(handle, 371)).toHaveLength(3);
    expect(() => owner.module.C_DestroyObject(owner.session, object)).toThrow(
      expect.objectContaining({ value: CKR.ACTION_PROHIBITED }),
    );
    expect(refusalOf(() => session.getAttribute(handle, CKA.MODULUS))).toBe('no-such-attribute');
    expect(refusalOf(() => session.getAttribute(handle, CKA.VALUE))).toBe('no-such-attribute');
  });

  test('what may only be wrapped with trusted keys stays so and needs one that an officer trusts', async () => {
    const { cluster, owner, object: wrapper, handle } = await sharedKey();
    const payload = await makeAes(owner, [flag(CKA.EXTRACTABLE, true)]);
    const payloadHandle = cluster.keyHandle(owner.session, payload);
    const node = nodeAt(cluster, 0);
    const session = cryptoUser(node);
    session.setAttribute(payloadHandle, CKA.WRAP_WITH_TRUSTED, Uint8Array.of(1));
    expect(refusalOf(() => session.setAttribute(payloadHandle, CKA.WRAP_WITH_TRUSTED, Uint8Array.of(0)))).toBe(
      'attribute-read-only',
    );
    const wrap = () => owner.module.C_WrapKey(owner.session, WRAP, wrapper, payload);
    await expect(wrap()).rejects.toMatchObject({ value: CKR.KEY_NOT_WRAPPABLE });
    officer(node).setAttribute(handle, CKA.TRUSTED, Uint8Array.of(1));
    expect((await wrap()).length).toBe(40);
  });

  test("an unwrap template is united with the caller's, and a conflict fails", async () => {
    const { cluster, owner, object, handle } = await sharedKey();
    const { module, session } = owner;
    const payload = await makeAes(owner, [flag(CKA.EXTRACTABLE, true)]);
    const wrapped = await module.C_WrapKey(session, WRAP, object, payload);
    const template = encodeTemplate([flag(CKA.EXTRACTABLE, false)]);
    cryptoUser(nodeAt(cluster, 0)).setAttribute(handle, CKA.UNWRAP_TEMPLATE, template);
    const arrived = await module.C_UnwrapKey(session, WRAP, object, wrapped, unwrapTemplate());
    expect(module.C_GetAttributeValue(session, arrived, [CKA.EXTRACTABLE])[0]?.value).toEqual(Uint8Array.of(0));
    const asking = unwrapTemplate([flag(CKA.EXTRACTABLE, true)]);
    await expect(module.C_UnwrapKey(session, WRAP, object, wrapped, asking)).rejects.toMatchObject({
      value: CKR.TEMPLATE_INCONSISTENT,
    });
  });
});
