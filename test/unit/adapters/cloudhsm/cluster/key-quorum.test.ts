/** Keys that want approvals: made so, used once per approved token, by nobody without one. Also how many HSMs a new key needs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  KeyService,
  SimulatedCluster,
  TokenApproval,
} from '../../../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { CLOUDHSM_CKM } from '../../../../../src/adapters/cloudhsm/profile.ts';
import { CKA, CKM, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import {
  aCluster,
  aSigner,
  type Client,
  cryptoUser,
  flag,
  logIn,
  makeAes,
  nodeAt,
  officer,
  PASSWORD,
  refusalOf,
  register,
  rsaTemplates,
  signed,
  userId,
} from '../../../../support/cluster-fixtures.ts';

const WRAP = { type: CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD };
const ECB = { type: CKM.AES_ECB };
const BLOCK = new Uint8Array(16);
const signers = { user4: aSigner(), user5: aSigner(), officer1: aSigner() };

interface Guarded {
  readonly cluster: SimulatedCluster;
  readonly owner: Client;
  readonly object: bigint;
  readonly handle: number;
}

/** A key of user4, shared with user5, that wants both; both have quorum keys. */
async function aGuardedKey(quorum = { manage: 2, use: 2 }): Promise<Guarded> {
  const cluster = await aCluster();
  for (const node of cluster.nodes) {
    register(cryptoUser(node), 'user4', signers.user4);
    register(cryptoUser(node, 'user5'), 'user5', signers.user5);
    register(officer(node), 'officer1', signers.officer1);
  }
  const owner = logIn(cluster);
  const guard = { quorum, users: [userId(nodeAt(cluster, 0), 'user5')] };
  const object = await cluster.createGuarded(owner.session, guard, () =>
    makeAes(owner, [flag(CKA.EXTRACTABLE, true), flag(CKA.ENCRYPT, true)]),
  );
  return { cluster, owner, object, handle: cluster.keyHandle(owner.session, object) };
}

const by = (name: 'user4' | 'user5' | 'officer1', file: Uint8Array): TokenApproval => ({
  user: name,
  type: name === 'officer1' ? 'CO' : 'CU',
  signature: signed(signers[name], file),
});

/** On every HSM: requested by user4 and approved by both, unless told otherwise. */
function approve(
  { cluster, handle }: Guarded,
  service: KeyService,
  approvers: readonly ('user4' | 'user5')[] = ['user4', 'user5'],
): Uint8Array {
  const sessions = cluster.nodes.map((node) => node.login('CU', 'user4', PASSWORD, 'sdk5'));
  const file = new Uint8Array(Buffer.concat(sessions.map((session) => session.requestKeyToken(service, handle).bytes)));
  for (const session of sessions) {
    session.approveToken(
      file,
      approvers.map((name) => by(name, file)),
    );
    session.logout();
  }
  return file;
}

async function refused(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'not refused',
    (error: { name: string; value?: number }) =>
      error.value === undefined ? error.name : `0x${error.value.toString(16)}`,
  );
}

describe('a key with a quorum', () => {
  test('is shared and says what it wants on every HSM from the start', async () => {
    const { cluster, handle } = await aGuardedKey();
    for (const node of cluster.nodes) {
      expect(cryptoUser(node).keyInfo(handle)).toMatchObject({
        quorum: 2,
        quorums: { manage: 2, use: 2 },
        sharedWith: [userId(node, 'user5')],
      });
    }
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('keeps it in the folder of the state', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'keyferry-key-quorum-'));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    const first = await aCluster({ stateDir });
    const owner = logIn(first);
    const guard = { quorum: { manage: 2, use: 2 }, users: [userId(nodeAt(first, 0), 'user5')] };
    const handle = first.keyHandle(
      owner.session,
      await first.createGuarded(owner.session, guard, () => makeAes(owner)),
    );
    await first.close();
    const again = await aCluster({ stateDir });
    expect(cryptoUser(nodeAt(again, 1)).keyInfo(handle).quorum).toBe(2);
    await again.close();
  });

  test('does nothing for anybody without approval, its owner included, and can still be deleted by the owner', async () => {
    const { cluster, owner, object, handle } = await aGuardedKey();
    const { module, session } = owner;
    const other = await makeAes(owner, [flag(CKA.EXTRACTABLE, true)]);
    const code = `0x${CKR.KEY_FUNCTION_NOT_PERMITTED.toString(16)}`;
    expect(await refused(module.encrypt(session, ECB, object, BLOCK))).toBe(code);
    expect(await refused(module.C_WrapKey(session, WRAP, object, other))).toBe(code);
    expect(await refused(module.C_WrapKey(session, WRAP, other, object))).toBe(code);
    const user5 = logIn(cluster, 'user5');
    const shared = cluster.objectHandle(user5.session, handle);
    expect(await refused(user5.module.encrypt(user5.session, ECB, shared, BLOCK))).toBe(code);
    const node = nodeAt(cluster, 0);
    const mine = cryptoUser(node);
    expect(refusalOf(() => mine.share(handle, userId(node, 'user5'), false))).toBe('RET_MXN_AUTH_FAILED');
    expect(refusalOf(() => mine.setAttribute(handle, CKA.WRAP, Uint8Array.of(0)))).toBe('RET_MXN_AUTH_FAILED');
    module.C_DestroyObject(session, object);
    expect(refusalOf(() => mine.keyInfo(handle))).toBe('no-such-key 0xa8');
  });

  test('can be used once for an approved token, for what the token says', async () => {
    const guarded = await aGuardedKey();
    const { cluster, owner, object, handle } = guarded;
    const { module, session } = owner;
    approve(guarded, 'key-usage');
    const encrypt = () => module.encrypt(session, ECB, object, BLOCK);
    const manage = [{ handle, service: 'key-management' }] as const;
    const use = [{ handle, service: 'key-usage' }] as const;
    expect(await refused(cluster.withApproval(session, manage, encrypt))).toBe('RET_MXN_AUTH_FAILED');
    expect(await cluster.withApproval(session, use, encrypt)).toHaveLength(16);
    expect(await refused(cluster.withApproval(session, use, encrypt))).toBe('RET_MXN_AUTH_FAILED');
    expect(cluster.nodes.flatMap((node) => node.quorumTokens())).toEqual([]);
    expect(await refused(encrypt())).toBe(`0x${CKR.KEY_FUNCTION_NOT_PERMITTED.toString(16)}`);
  });

  test('lets go of one share and one attribute per token and HSM', async () => {
    const guarded = await aGuardedKey();
    const { cluster, handle } = guarded;
    approve(guarded, 'key-management');
    const node = nodeAt(cluster, 0);
    const session = cryptoUser(node);
    session.setAttribute(handle, CKA.WRAP, Uint8Array.of(0));
    expect(refusalOf(() => session.setAttribute(handle, CKA.UNWRAP, Uint8Array.of(0)))).toBe('RET_MXN_AUTH_FAILED');
    approve(guarded, 'key-management');
    session.share(handle, userId(node, 'user5'), false);
    expect(session.keyInfo(handle).sharedWith).toEqual([]);
  });

  test('counts only crypto users who have the key, each once, and their own signatures', async () => {
    const guarded = await aGuardedKey();
    const { cluster, handle } = guarded;
    for (const node of cluster.nodes) officer(node).createUser('CU', 'user6', PASSWORD);
    const node = nodeAt(cluster, 0);
    const session = node.login('CU', 'user4', PASSWORD, 'sdk5');
    const { bytes } = session.requestKeyToken('key-usage', handle);
    const give = (...approvals: TokenApproval[]) => refusalOf(() => session.approveToken(bytes, approvals));
    expect(give(by('officer1', bytes))).toBe('approver-type');
    expect(give({ ...by('user5', bytes), user: 'user6' })).toBe('approver-unknown');
    expect(give({ ...by('user5', bytes), user: 'user4' })).toBe('signature-invalid');
    expect(give(by('user5', bytes), by('user5', bytes))).toBe('approver-twice');
    expect(give(by('user5', bytes))).toBe('not refused');
    // One of two is not enough.
    const use = [{ handle, service: 'key-usage' }] as const;
    const owner = guarded.owner;
    const encrypt = () => owner.module.encrypt(owner.session, ECB, guarded.object, BLOCK);
    expect(await refused(cluster.withApproval(owner.session, use, encrypt))).toBe('RET_MXN_AUTH_FAILED');
  });

  test('takes a token of its requester only, and officers and crypto users keep to their own tokens', async () => {
    const guarded = await aGuardedKey();
    const { cluster, handle } = guarded;
    const node = nodeAt(cluster, 0);
    const session = node.login('CU', 'user4', PASSWORD, 'sdk5');
    const { bytes } = session.requestKeyToken('key-management', handle);
    const approvals = [by('user4', bytes), by('user5', bytes)];
    expect(refusalOf(() => cryptoUser(node, 'user5').approveToken(bytes, approvals))).toBe('token-unknown');
    expect(refusalOf(() => officer(node).approveToken(bytes, approvals))).toBe('token-unknown');
    session.approveToken(bytes, approvals);
    expect(refusalOf(() => cryptoUser(node, 'user5').setAttribute(handle, CKA.WRAP, Uint8Array.of(0)))).toBe(
      'access-denied 0xc6',
    );
    const admin = officer(node);
    admin.setMValue(3, 2);
    const users = admin.requestToken(3);
    expect(refusalOf(() => session.approveToken(users.bytes, [by('officer1', users.bytes)]))).toBe('token-unknown');
  });

  test('is not used by the token of a user who was deleted and made anew', async () => {
    const guarded = await aGuardedKey();
    const { cluster, handle } = guarded;
    for (const node of cluster.nodes) {
      const session = node.login('CU', 'user5', PASSWORD, 'sdk5');
      session.requestKeyToken('key-usage', handle);
      session.logout();
      expect(node.quorumTokens()).toHaveLength(1);
      const admin = officer(node);
      admin.deleteUser('CU', 'user5');
      admin.createUser('CU', 'user5', PASSWORD);
      expect(node.quorumTokens()).toEqual([]);
    }
  });

  test('is not used while one HSM has no approved token, and nothing is spent then', async () => {
    const guarded = await aGuardedKey();
    const { cluster, owner, object, handle } = guarded;
    approve(guarded, 'key-usage');
    cluster.fail(5);
    cluster.restore(5);
    const use = [{ handle, service: 'key-usage' }] as const;
    const encrypt = () => owner.module.encrypt(owner.session, ECB, object, BLOCK);
    expect(await refused(cluster.withApproval(owner.session, use, encrypt))).toBe('RET_MXN_AUTH_FAILED');
    expect(nodeAt(cluster, 0).quorumTokens()).toHaveLength(1);
    cluster.fail(5);
    expect(await cluster.withApproval(owner.session, use, encrypt)).toHaveLength(16);
  });

  test.each([
    ['one value without the other', { manage: 2, use: 0 }, ['user5'], 'quorum-value'],
    ['a quorum of one', { manage: 1, use: 1 }, ['user5'], 'quorum-value'],
    ['more approvals than users', { manage: 3, use: 2 }, ['user5'], 'quorum-value'],
    ['a user named twice for two', { manage: 3, use: 3 }, ['user5', 'user5'], 'quorum-value'],
    ['the owner as a user', { manage: 2, use: 2 }, ['user4'], 'user-owns-key'],
    ['an officer as a user', { manage: 2, use: 2 }, ['officer1'], 'no-such-user'],
  ])('is not made with %s', async (_what, quorum, names, refusal) => {
    const cluster = await aCluster();
    const owner = logIn(cluster);
    const users = names.map((name) => userId(nodeAt(cluster, 0), name));
    expect(await refused(cluster.createGuarded(owner.session, { quorum, users }, () => makeAes(owner)))).toBe(refusal);
    expect(owner.module.findObjects(owner.session, [])).toEqual([]);
  });

  test('is never a session key, and of a pair it is the private half', async () => {
    const cluster = await aCluster();
    const owner = logIn(cluster);
    const guard = { quorum: { manage: 2, use: 2 }, users: [userId(nodeAt(cluster, 0), 'user5')] };
    const session = cluster.createGuarded(owner.session, guard, () => makeAes(owner, [flag(CKA.TOKEN, false)]));
    expect(await refused(session)).toBe(`0x${CKR.TEMPLATE_INCONSISTENT.toString(16)}`);
    const pair = await cluster.createGuarded(owner.session, guard, () =>
      owner.module.C_GenerateKeyPair(owner.session, { type: CKM.RSA_X9_31_KEY_PAIR_GEN }, ...rsaTemplates()),
    );
    const mine = cryptoUser(nodeAt(cluster, 0));
    expect(mine.keyInfo(cluster.keyHandle(owner.session, pair.publicKey))).toMatchObject({ quorum: 0, sharedWith: [] });
    expect(mine.keyInfo(cluster.keyHandle(owner.session, pair.privateKey)).quorum).toBe(2);
  });

  test('a key without one wants no token and gives none', async () => {
    const cluster = await aCluster();
    const owner = logIn(cluster);
    const object = await makeAes(owner, [flag(CKA.ENCRYPT, true)]);
    const handle = cluster.keyHandle(owner.session, object);
    const use = [{ handle, service: 'key-usage' }] as const;
    const encrypt = () => owner.module.encrypt(owner.session, ECB, object, BLOCK);
    expect(await cluster.withApproval(owner.session, use, encrypt)).toHaveLength(16);
    const mine = cryptoUser(nodeAt(cluster, 0));
    expect(refusalOf(() => mine.requestKeyToken('key-usage', handle))).toBe('quorum-not-set');
    expect(refusalOf(() => officer(nodeAt(cluster, 0)).requestKeyToken('key-usage', handle))).toBe('wrong-user-type');
  });
});

describe('create_object_minimum_nodes', () => {
  test('makes no key while fewer HSMs answer', async () => {
    const cluster = await aCluster({ createObjectMinimumNodes: 3 });
    const owner = logIn(cluster);
    await makeAes(owner);
    cluster.fail(5);
    expect(await refused(makeAes(owner))).toBe(`0x${CKR.FUNCTION_FAILED.toString(16)}`);
    expect(owner.module.findObjects(owner.session, [])).toHaveLength(1);
  });

  test('and the larger of it and the command’s own number wins', async () => {
    const cluster = await aCluster({ createObjectMinimumNodes: 2 });
    const owner = logIn(cluster);
    cluster.fail(4);
    cluster.fail(5);
    const rule = (minServers: number) => ({ minServers, timeoutMs: 30 });
    const make = () => makeAes(owner);
    expect(await refused(cluster.createOnAtLeast(owner.session, rule(1), make))).toBe('too-few-servers');
    cluster.restore(4);
    expect(await refused(cluster.createOnAtLeast(owner.session, rule(1), make))).toBe('not refused');
    expect(await refused(cluster.createOnAtLeast(owner.session, rule(3), make))).toBe('too-few-servers');
    expect(owner.module.findObjects(owner.session, [])).toHaveLength(1);
  });
});
