import { describe, expect, test } from 'vitest';
import {
  aCluster,
  cryptoUser,
  nodeAt,
  officer,
  PASSWORD,
  refusalOf,
  userId,
} from '../../../../support/cluster-fixtures.ts';

describe('users of one HSM', () => {
  test('are born with the cluster, the first officer as 1 and the appliance user as 2', async () => {
    const cluster = await aCluster();
    expect(
      nodeAt(cluster, 1)
        .users()
        .map(({ id, name, type }) => `${id} ${name} ${type}`),
    ).toEqual(['1 admin PCO', '2 app_user AU', '3 officer1 CO', '4 officer2 CO', '5 user4 CU', '6 user5 CU']);
  });

  test('are made on the HSM where they are made, and nowhere else', async () => {
    const cluster = await aCluster();
    const made = officer(nodeAt(cluster, 0)).createUser('CU', 'alice', PASSWORD);
    expect(made).toMatchObject({ id: 7, name: 'alice', type: 'CU', loginFailures: 0, isLocked: false });
    expect(nodeAt(cluster, 0).login('CU', 'ALICE', PASSWORD).user.id).toBe(7);
    expect(refusalOf(() => nodeAt(cluster, 1).login('CU', 'alice', PASSWORD))).toBe('no-such-user 0xce');
  });

  test('log in by the right type only; the first officer also goes by CO', async () => {
    const node = nodeAt(await aCluster(), 0);
    expect(node.login('CO', 'admin', PASSWORD).user.type).toBe('PCO');
    expect(refusalOf(() => node.login('CO', 'user4', PASSWORD))).toBe('no-such-user 0xce');
    expect(refusalOf(() => node.login('AU', 'app_user', PASSWORD))).toBe('login-failed');
    expect(refusalOf(() => node.login('CU', 'user4', PASSWORD.toUpperCase()))).toBe('login-failed');
  });

  test('are locked after more than five wrong passwords, on that HSM, until an officer changes the password', async () => {
    const cluster = await aCluster();
    const node = nodeAt(cluster, 0);
    for (let i = 0; i < 6; i += 1) expect(refusalOf(() => node.login('CU', 'user4', 'wrong-one'))).toBe('login-failed');
    expect(node.users().find(({ name }) => name === 'user4')).toMatchObject({ loginFailures: 6, isLocked: true });
    expect(refusalOf(() => cryptoUser(node))).toBe('user-locked');
    expect(cryptoUser(nodeAt(cluster, 1)).user.name).toBe('user4');
    officer(node).changePassword('CU', 'user4', 'password-2');
    expect(node.login('CU', 'user4', 'password-2').user).toMatchObject({ loginFailures: 0, isLocked: false });
  });

  test('five wrong ones do not lock, and a right one ends the count', async () => {
    const node = nodeAt(await aCluster(), 0);
    for (let i = 0; i < 5; i += 1) refusalOf(() => node.login('CU', 'user4', 'wrong-one'));
    expect(cryptoUser(node).user.loginFailures).toBe(0);
  });

  test.each([
    ['a name with a dash', 'a-b', PASSWORD, 'user-name'],
    ['a name of 32 characters', 'a'.repeat(32), PASSWORD, 'user-name'],
    ['an empty name', '', PASSWORD, 'user-name'],
    ['a password of 7 characters', 'alice', '1234567', 'password-length'],
    ['a password of 33 characters', 'alice', 'x'.repeat(33), 'password-length'],
    ['a name that is taken, in other letters', 'USER4', PASSWORD, 'user-exists'],
  ])('refuses %s', async (_case, name, password, refusal) => {
    const node = nodeAt(await aCluster(), 0);
    const session = officer(node);
    expect(refusalOf(() => session.createUser('CU', name, password))).toBe(refusal);
    expect(node.users()).toHaveLength(6);
  });

  test('takes 31 characters and 8 to 32 of password', async () => {
    const session = officer(nodeAt(await aCluster(), 0));
    expect(refusalOf(() => session.createUser('CO', `a_${'1'.repeat(29)}`, '12345678'))).toBe('not refused');
    expect(refusalOf(() => session.createUser('CU', 'b', 'x'.repeat(32)))).toBe('not refused');
  });

  test('hsm1 has room for 250', async () => {
    const users = Array.from({ length: 248 }, (_, i) => ({ type: 'CU' as const, name: `u${i}`, password: PASSWORD }));
    const admin = { type: 'PCO' as const, name: 'admin', password: PASSWORD };
    const nodes = [{ id: 1, address: '10.0.0.1' }];
    const cluster = await aCluster({ hsmType: 'hsm1.medium', nodes, users: [admin, ...users] });
    const session = officer(nodeAt(cluster, 0), 'admin');
    expect(nodeAt(cluster, 0).users()).toHaveLength(250);
    expect(refusalOf(() => session.createUser('CU', 'one_more', PASSWORD))).toBe('user-limit');
    session.deleteUser('CU', 'u1');
    expect(refusalOf(() => session.createUser('CU', 'one_more', PASSWORD))).toBe('not refused');
  });

  test('only officers make, delete and change others; everybody changes the own password', async () => {
    const node = nodeAt(await aCluster(), 0);
    const session = cryptoUser(node);
    expect(refusalOf(() => session.createUser('CU', 'alice', PASSWORD))).toBe('wrong-user-type');
    expect(refusalOf(() => session.deleteUser('CU', 'user5'))).toBe('wrong-user-type');
    expect(refusalOf(() => session.changePassword('CU', 'user5', 'password-2'))).toBe('wrong-user-type');
    session.changePassword('CU', 'user4', 'password-2');
    expect(node.login('CU', 'user4', 'password-2').user.id).toBe(userId(node, 'user4'));
    expect(refusalOf(() => cryptoUser(node))).toBe('login-failed');
  });

  test('the password of a user who is logged in elsewhere stays', async () => {
    const node = nodeAt(await aCluster(), 0);
    const other = cryptoUser(node);
    expect(refusalOf(() => officer(node).changePassword('CU', 'user4', 'password-2'))).toBe('user-logged-in');
    other.logout();
    expect(refusalOf(() => officer(node).changePassword('CU', 'user4', 'password-2'))).toBe('not refused');
  });

  test('a preliminary officer becomes the primary one with the first password of its own', async () => {
    const cluster = await aCluster({ users: [{ type: 'PRECO', name: 'admin', password: 'password' }] });
    const node = nodeAt(cluster, 0);
    const session = node.login('PRECO', 'admin', 'password');
    expect(refusalOf(() => session.createUser('CO', 'officer1', PASSWORD))).toBe('wrong-user-type');
    session.changePassword('PRECO', 'admin', PASSWORD);
    expect(node.users()[0]).toMatchObject({ id: 1, type: 'PCO' });
    expect(refusalOf(() => session.createUser('CO', 'officer1', PASSWORD))).toBe('not refused');
  });

  test('what is said after logout, or by a deleted user, is refused', async () => {
    const node = nodeAt(await aCluster(), 0);
    const session = officer(node);
    const other = officer(node, 'officer2');
    session.logout();
    expect(refusalOf(() => session.createUser('CU', 'alice', PASSWORD))).toBe('session-closed');
    expect(session.user.name).toBe('officer1');
    officer(node, 'admin').deleteUser('CO', 'officer2');
    expect(refusalOf(() => other.createUser('CU', 'alice', PASSWORD))).toBe('session-closed');
    expect(refusalOf(() => officer(node, 'admin').deleteUser('CO', 'officer2'))).toBe('no-such-user 0xce');
    expect(refusalOf(() => officer(node, 'admin').deleteUser('CO', 'admin'))).toBe('user-logged-in');
  });
});
