import { describe, expect, test } from 'vitest';
import { CKA, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import {
  aCluster,
  aSigner,
  cryptoUser,
  flag,
  isListed,
  logIn,
  makeAes,
  nodeAt,
  officer,
  PASSWORD,
  refusalOf,
  register,
  userId,
} from '../../../../support/cluster-fixtures.ts';

const ckr = (value: number) => expect.objectContaining({ value });

describe('a node that fails', () => {
  test('refuses everything, ends its sessions, and knows nothing of what was done meanwhile', async () => {
    const cluster = await aCluster();
    const node = nodeAt(cluster, 1);
    const session = officer(node);
    cluster.fail(node.id);
    expect(node.isUp).toBe(false);
    const calls = [() => node.users(), () => node.mValue(3), () => node.quorumTokens(), () => officer(node)];
    for (const call of calls) expect(refusalOf(call)).toBe('node-down');
    expect(refusalOf(() => session.createUser('CU', 'alice', PASSWORD))).toBe('node-down');
    officer(nodeAt(cluster, 0)).createUser('CU', 'alice', PASSWORD);
    cluster.restore(node.id);
    expect(refusalOf(() => session.createUser('CU', 'alice', PASSWORD))).toBe('session-closed');
    expect(node.users().some(({ name }) => name === 'alice')).toBe(false);
  });

  test('planned: after so many management calls more, before the next has done anything', async () => {
    const cluster = await aCluster();
    const node = nodeAt(cluster, 0);
    cluster.fail(node.id, 2);
    const session = officer(node);
    session.createUser('CU', 'first', PASSWORD);
    expect(refusalOf(() => session.createUser('CU', 'second', PASSWORD))).toBe('node-down');
    cluster.restore(node.id);
    expect(node.users().map(({ name }) => name)).toEqual(expect.arrayContaining(['first']));
    expect(node.users().some(({ name }) => name === 'second')).toBe(false);
    expect(refusalOf(() => cluster.fail(99))).toBe('no-such-node');
  });

  test('keys made and deleted meanwhile are so on it when it is back', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    const before = await makeAes(client);
    const beforeHandle = cluster.keyHandle(client.session, before);
    cluster.fail(5);
    const meanwhile = cluster.keyHandle(client.session, await makeAes(client));
    client.module.C_DestroyObject(client.session, before);
    cluster.restore(5);
    const session = cryptoUser(nodeAt(cluster, 2));
    expect(session.keyInfo(meanwhile).handle).toBe(meanwhile);
    expect(refusalOf(() => session.keyInfo(beforeHandle))).toBe('no-such-key 0xa8');
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('the library goes to another, which names keys after itself; without any it says that the device is gone', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    cluster.fail(3);
    const object = await makeAes(client);
    expect(Math.floor(cluster.keyHandle(client.session, object) / 2 ** 18)).toBe(4);
    cluster.fail(4);
    expect(isListed(client.module, client.session, object)).toBe(true);
    cluster.fail(5);
    expect(() => client.module.findObjects(client.session, [])).toThrow(ckr(CKR.DEVICE_REMOVED));
    await expect(makeAes(client)).rejects.toEqual(ckr(CKR.DEVICE_REMOVED));
    expect(() => client.module.C_GetTokenInfo(0n)).toThrow(ckr(CKR.TOKEN_NOT_PRESENT));
    cluster.restore(5);
    expect(isListed(client.module, client.session, object)).toBe(true);
  });

  test('the next one that serves must know the user by that password', async () => {
    const cluster = await aCluster();
    officer(nodeAt(cluster, 0)).changePassword('CU', 'user4', 'password-2');
    const client = logIn(cluster, 'user4', 'password-2');
    await makeAes(client);
    cluster.fail(3);
    await expect(makeAes(client)).rejects.toEqual(ckr(CKR.USER_NOT_LOGGED_IN));
    expect(client.module.findObjects(client.session, [])).toEqual([]);
  });

  test('takes its session keys along', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    const object = await makeAes(client, [flag(CKA.TOKEN, false)]);
    const handle = cluster.keyHandle(client.session, object);
    expect(cryptoUser(nodeAt(cluster, 0)).keyInfo(handle).isSession).toBe(true);
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 1)).keyInfo(handle))).toBe('no-such-key 0xa8');
    expect(officer(nodeAt(cluster, 0)).findAllKeys(userId(nodeAt(cluster, 0), 'user4'))).toEqual([]);
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 0)).share(handle, 6, true))).toBe('key-of-session');
    cluster.fail(3);
    expect(isListed(client.module, client.session, object)).toBe(false);
    cluster.restore(3);
    expect(isListed(client.module, client.session, object)).toBe(false);
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 0)).keyInfo(handle))).toBe('no-such-key 0xa8');
  });
});

describe('session keys', () => {
  test('end with their session, unless made token keys, whose handles stay', async () => {
    const cluster = await aCluster();
    const { module, session } = logIn(cluster);
    const second = module.C_OpenSession(0n);
    const lost = await makeAes({ module, session: second }, [flag(CKA.TOKEN, false)]);
    const kept = await makeAes({ module, session: second }, [flag(CKA.TOKEN, false)]);
    const handle = cluster.keyHandle(session, kept);
    cluster.promote(second, kept);
    module.C_CloseSession(second);
    expect([isListed(module, session, lost), isListed(module, session, kept)]).toEqual([false, true]);
    expect(cluster.keyHandle(session, kept)).toBe(handle);
    expect(cryptoUser(nodeAt(cluster, 2)).keyInfo(handle).isSession).toBe(false);
    expect(cryptoUser(nodeAt(cluster, 2)).getAttribute(handle, CKA.TOKEN)).toEqual(Uint8Array.of(1));
    expect(refusalOf(() => cluster.promote(session, lost))).toBe('no-such-key 0xa8');
  });
});

describe('where HSMs disagree', () => {
  test('one that fails during sharing is shown by the check and mended by the repair', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    const handle = cluster.keyHandle(client.session, await makeAes(client));
    const sessions = cluster.nodes.map((node) => cryptoUser(node));
    cluster.fail(4, 0);
    const outcomes = sessions.map((session, i) =>
      refusalOf(() => session.share(handle, userId(nodeAt(cluster, i === 1 ? 0 : i), 'user5'), true)),
    );
    expect(outcomes).toEqual(['not refused', 'node-down', 'not refused']);
    expect(cluster.syncCheck()).toEqual([{ what: 'node', subject: '10.0.1.4', nodes: { 4: 'down' } }]);
    cluster.restore(4);
    expect(cluster.syncCheck()).toEqual([
      {
        what: 'sharing',
        subject: `key ${handle}`,
        nodes: { 3: 'shared with 6', 4: 'shared with nobody', 5: 'shared with 6' },
      },
    ]);
    expect(cluster.repair(nodeAt(cluster, 0))).toEqual([]);
    expect(cryptoUser(nodeAt(cluster, 1)).keyInfo(handle).sharedWith).toEqual([6]);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('every kind of difference is named, HSM by HSM, and mended', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    const handle = cluster.keyHandle(client.session, await makeAes(client));
    const first = officer(nodeAt(cluster, 0));
    first.createUser('CU', 'alice', PASSWORD);
    first.changePassword('CU', 'user5', 'password-2');
    first.setMValue(4, 2);
    register(first, 'officer1', aSigner());
    cryptoUser(nodeAt(cluster, 0)).setAttribute(handle, CKA.WRAP, Uint8Array.of(0));
    const found = cluster.syncCheck();
    const of = (what: string) => found.filter((each) => each.what === what);
    expect(of('users')).toEqual([
      { what: 'users', subject: 'alice', nodes: { 3: 'CU, id 7', 4: 'absent', 5: 'absent' } },
    ]);
    expect(of('password').find(({ subject }) => subject === 'user5')?.nodes).toEqual({
      3: 'password 1',
      4: 'password 2',
      5: 'password 2',
    });
    expect(of('quorum-values')).toEqual([
      { what: 'quorum-values', subject: 'service 4', nodes: { 3: '2', 4: '1', 5: '1' } },
    ]);
    expect(of('quorum-keys').find(({ subject }) => subject === 'officer1')?.nodes[4]).toBe('no key');
    expect(of('attributes')).toEqual([
      {
        what: 'attributes',
        subject: `key ${handle}, attribute 262`,
        nodes: { 3: '0x00', 4: 'unchanged', 5: 'unchanged' },
      },
    ]);
    expect(JSON.stringify(found)).not.toContain('password-');
    expect(cluster.repair(nodeAt(cluster, 0))).toEqual([]);
    expect(nodeAt(cluster, 2).login('CU', 'user5', 'password-2').user.id).toBe(6);
    expect(nodeAt(cluster, 2).login('CU', 'alice', PASSWORD).user.id).toBe(7);
    expect(cluster.nodes.map((node) => node.mValue(4))).toEqual([2, 2, 2]);
  });

  test('a repair leaves out who is down and says so, and needs a model that is up', async () => {
    const cluster = await aCluster();
    officer(nodeAt(cluster, 0)).createUser('CU', 'alice', PASSWORD);
    cluster.fail(5);
    expect(cluster.repair(nodeAt(cluster, 0))).toEqual([{ what: 'node', subject: '10.0.3.9', nodes: { 5: 'down' } }]);
    cluster.restore(5);
    expect(cluster.syncCheck().map(({ what, subject }) => `${what} ${subject}`)).toEqual(['users alice']);
    cluster.fail(3);
    expect(refusalOf(() => cluster.repair(nodeAt(cluster, 0)))).toBe('node-down');
  });

  test('repair ends sessions of users that are gone, and keeps the counts of wrong passwords', async () => {
    const cluster = await aCluster();
    const node = nodeAt(cluster, 1);
    officer(node).createUser('CU', 'alice', PASSWORD);
    const session = cryptoUser(node, 'alice');
    refusalOf(() => node.login('CU', 'user4', 'wrong-one'));
    cluster.repair(nodeAt(cluster, 0));
    expect(refusalOf(() => session.changePassword('CU', 'alice', PASSWORD))).toBe('session-closed');
    expect(node.users().find(({ name }) => name === 'user4')?.loginFailures).toBe(1);
  });
});

describe('keys that must be on so many HSMs', () => {
  const rule = { minServers: 3, timeoutMs: 40 };

  test('are kept when they are, also when the last HSM comes back in time', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    await cluster.createOnAtLeast(client.session, rule, () => makeAes(client));
    cluster.fail(5);
    setTimeout(() => cluster.restore(5), 30);
    const object = await cluster.createOnAtLeast(client.session, { minServers: 3, timeoutMs: null }, () =>
      makeAes(client),
    );
    expect(isListed(client.module, client.session, object)).toBe(true);
  });

  test('are removed again when they are not', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    cluster.fail(5);
    const made = cluster.createOnAtLeast(client.session, rule, () => makeAes(client));
    await expect(made).rejects.toMatchObject({ name: 'too-few-servers', code: null });
    expect(client.module.findObjects(client.session, [])).toEqual([]);
    cluster.restore(5);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('a removal that does not arrive leaves an orphan on that HSM, which the check shows', async () => {
    const cluster = await aCluster();
    const client = logIn(cluster);
    cluster.fail(5);
    cluster.loseTombstone(4);
    const made = cluster.createOnAtLeast(client.session, rule, () => makeAes(client));
    await expect(made).rejects.toThrow('did not reach every HSM');
    cluster.restore(5);
    const handle = 3 * 2 ** 18 + 1;
    const orphan = { what: 'keys', subject: `key ${handle}`, nodes: { 3: 'absent', 4: 'present', 5: 'absent' } };
    expect(cluster.syncCheck()).toEqual([orphan]);
    expect(client.module.findObjects(client.session, [])).toEqual([]);
    expect(cluster.repair(nodeAt(cluster, 0))).toEqual([orphan]);
    expect(cluster.repair(nodeAt(cluster, 1))).toEqual([]);
    expect(client.module.findObjects(client.session, [])).toHaveLength(1);
  });
});

describe('the rule that a key is on two HSMs before it is used', () => {
  test.each([
    ['the library of SDK 5', true, 'sdk5' as const, false],
    ['the library of SDK 5 with the check off', false, 'sdk5' as const, true],
    ['the old tools', true, 'legacy' as const, true],
  ])('%s', async (_case, checksAvailability, client, isUsable) => {
    const cluster = await aCluster({ checksAvailability });
    const module = cluster.module({ client });
    module.C_Initialize();
    const session = module.C_OpenSession(0n);
    module.C_Login(session, CKU.USER, `user4:${PASSWORD}`);
    const object = await makeAes({ module, session });
    const use = () => module.encrypt(session, { type: 0x1081 }, object, new Uint8Array(16));
    expect(await use()).toHaveLength(16);
    cluster.fail(4);
    cluster.fail(5);
    if (isUsable) expect(await use()).toHaveLength(16);
    else await expect(use()).rejects.toEqual(ckr(CKR.FUNCTION_FAILED));
  });
});

describe('logins of the library', () => {
  test('take user:password of a crypto user', async () => {
    const cluster = await aCluster();
    expect(() => logIn(cluster, 'USER4')).not.toThrow();
    for (const [name, password] of [
      ['user4', 'wrong-one'],
      ['ghost', PASSWORD],
      ['officer1', PASSWORD],
      ['', PASSWORD],
    ]) {
      expect(() => logIn(cluster, name, password)).toThrow(ckr(CKR.PIN_INCORRECT));
    }
    const { module } = logIn(cluster);
    module.C_Logout(module.C_OpenSession(0n));
    const session = module.C_OpenSession(0n);
    expect(() => module.C_Login(session, CKU.USER, 'no-colon')).toThrow(ckr(CKR.PIN_INCORRECT));
    expect(() => module.C_Login(session, CKU.SO, `officer1:${PASSWORD}`)).toThrow(ckr(CKR.USER_TYPE_INVALID));
  });

  test('count on the HSM that answers, and lock there', async () => {
    const cluster = await aCluster();
    for (let i = 0; i < 6; i += 1) expect(() => logIn(cluster, 'user4', 'wrong-one')).toThrow(ckr(CKR.PIN_INCORRECT));
    expect(() => logIn(cluster)).toThrow(ckr(CKR.PIN_LOCKED));
    expect(
      nodeAt(cluster, 1)
        .users()
        .find(({ name }) => name === 'user4')?.isLocked,
    ).toBe(false);
    cluster.fail(3);
    expect(() => logIn(cluster)).not.toThrow();
  });
});
