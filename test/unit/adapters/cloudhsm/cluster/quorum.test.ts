import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { NodeSession, SimulatedCluster } from '../../../../../src/adapters/cloudhsm/cluster/cluster.ts';
import {
  aCluster,
  aSigner,
  cryptoUser,
  nodeAt,
  officer,
  PASSWORD,
  refusalOf,
  register,
  signed,
} from '../../../../support/cluster-fixtures.ts';

const signer1 = aSigner();
const signer2 = aSigner();
const adminSigner = aSigner();

let nowMs = 0;
const clock = (): number => nowMs;

/** Both services want two of three officers, on every node; officer1 and officer2 have keys. */
async function quorumCluster(): Promise<SimulatedCluster> {
  nowMs = 1_700_000_000_000;
  const cluster = await aCluster({ clock });
  for (const node of cluster.nodes) {
    const first = officer(node);
    register(first, 'officer1', signer1);
    register(officer(node, 'officer2'), 'officer2', signer2);
    first.setMValue(4, 2);
    const { bytes } = first.requestToken(4);
    first.approveToken(bytes, approvals(bytes));
    first.setMValue(3, 2);
    first.logout();
  }
  return cluster;
}

const approvals = (file: Uint8Array) => [
  { user: 'officer1', type: 'CO' as const, signature: signed(signer1, file) },
  { user: 'officer2', type: 'CO' as const, signature: signed(signer2, file) },
];

/** A session of officer1 on every node and the token file over all of them. */
function tokenFile(cluster: SimulatedCluster): { sessions: NodeSession[]; file: Uint8Array } {
  const sessions = cluster.nodes.map((node) => officer(node));
  const file = Buffer.concat(sessions.map((session) => session.requestToken(3).bytes));
  return { sessions, file: new Uint8Array(file) };
}

const add = (session: NodeSession, name = 'alice'): string => refusalOf(() => session.createUser('CU', name, PASSWORD));

describe('a quorum of officers', () => {
  test('lets one operation through per approved token and HSM', async () => {
    const cluster = await quorumCluster();
    const { sessions, file } = tokenFile(cluster);
    for (const session of sessions) {
      expect(add(session)).toBe('RET_MXN_AUTH_FAILED');
      session.approveToken(file, approvals(file));
      expect(add(session)).toBe('not refused');
      expect(add(session, 'bob')).toBe('RET_MXN_AUTH_FAILED');
      expect(refusalOf(() => session.deleteUser('CU', 'alice'))).toBe('RET_MXN_AUTH_FAILED');
      expect(refusalOf(() => session.changePassword('CU', 'alice', 'password-2'))).toBe('RET_MXN_AUTH_FAILED');
      expect(refusalOf(() => session.changePassword('CO', 'officer1', PASSWORD))).toBe('not refused');
    }
    expect(cluster.nodes.map((node) => node.quorumTokens().length)).toEqual([0, 0, 0]);
  });

  test('shows its tokens', async () => {
    const cluster = await quorumCluster();
    const { sessions, file } = tokenFile(cluster);
    sessions[0]?.approveToken(file, approvals(file));
    nowMs += 94_000;
    expect(nodeAt(cluster, 0).quorumTokens()).toEqual([
      {
        id: 2,
        service: 3,
        node: 3,
        keyHandle: 0,
        user: 'officer1',
        validitySeconds: 506,
        required: 2,
        approvers: ['officer1', 'officer2'],
      },
    ]);
    expect(nodeAt(cluster, 1).quorumTokens()[0]).toMatchObject({ node: 4, approvers: [] });
  });

  test('a failed operation does not use the token up', async () => {
    const { sessions, file } = tokenFile(await quorumCluster());
    const [session] = sessions;
    session?.approveToken(file, approvals(file));
    if (session === undefined) throw new Error('no session');
    expect(add(session, 'user4')).toBe('user-exists');
    expect(add(session)).toBe('not refused');
  });

  test.each([
    ['one approval only', (file: Uint8Array) => approvals(file).slice(0, 1), 'not refused'],
    [
      'one approver twice',
      (file: Uint8Array) => [...approvals(file).slice(0, 1), ...approvals(file).slice(0, 1)],
      'approver-twice',
    ],
    [
      'a signature of somebody else',
      (file: Uint8Array) => [{ user: 'officer1', type: 'CO' as const, signature: signed(adminSigner, file) }],
      'signature-invalid',
    ],
    [
      'a signature over something else',
      (file: Uint8Array) => [{ user: 'officer1', type: 'CO' as const, signature: signed(signer1, file.slice(80)) }],
      'signature-invalid',
    ],
    [
      'a signature of no length',
      () => [{ user: 'officer1', type: 'CO' as const, signature: new Uint8Array(0) }],
      'signature-invalid',
    ],
    [
      'an officer without a key',
      (file: Uint8Array) => [{ user: 'admin', type: 'CO' as const, signature: signed(adminSigner, file) }],
      'approver-unknown',
    ],
    [
      'a crypto user',
      (file: Uint8Array) => [{ user: 'user4', type: 'CU' as const, signature: signed(signer1, file) }],
      'approver-type',
    ],
    [
      'nobody that exists',
      (file: Uint8Array) => [{ user: 'ghost', type: 'CO' as const, signature: signed(signer1, file) }],
      'approver-unknown',
    ],
  ])('%s is not enough', async (_case, given, refusal) => {
    const { sessions, file } = tokenFile(await quorumCluster());
    const [session] = sessions;
    if (session === undefined) throw new Error('no session');
    expect(refusalOf(() => session.approveToken(file, given(file)))).toBe(refusal);
    expect(add(session)).toBe('RET_MXN_AUTH_FAILED');
  });

  test('approvals add up, and one bad one among good ones counts for nothing', async () => {
    const { sessions, file } = tokenFile(await quorumCluster());
    const [session] = sessions;
    if (session === undefined) throw new Error('no session');
    const [first, second] = approvals(file);
    if (first === undefined || second === undefined) throw new Error('no approvals');
    const bad = { ...second, signature: signed(adminSigner, file) };
    expect(refusalOf(() => session.approveToken(file, [first, bad]))).toBe('signature-invalid');
    session.approveToken(file, [second]);
    expect(add(session)).toBe('RET_MXN_AUTH_FAILED');
    expect(refusalOf(() => session.approveToken(file, [second]))).toBe('approver-twice');
    session.approveToken(file, [first]);
    expect(add(session)).toBe('not refused');
  });

  test('a token file of another HSM, altered, used up or made up is unknown', async () => {
    const cluster = await quorumCluster();
    const { sessions, file } = tokenFile(cluster);
    const [session] = sessions;
    if (session === undefined) throw new Error('no session');
    const refused = (bytes: Uint8Array): string => refusalOf(() => session.approveToken(bytes, approvals(bytes)));
    expect(refused(file.slice(80, 160))).toBe('token-unknown');
    const altered = file.slice();
    altered[40] = (altered[40] ?? 0) ^ 1;
    expect(refused(altered)).toBe('token-unknown');
    expect(refused(file.slice(0, 79))).toBe('token-unknown');
    expect(refused(new Uint8Array(0))).toBe('token-unknown');
    expect(refused(file)).toBe('not refused');
    expect(add(session)).toBe('not refused');
    expect(refused(file)).toBe('token-unknown');
  });

  test('a token of the old tools is good at 0 s, in its own session, and dies with it', async () => {
    const cluster = await quorumCluster();
    const { sessions, file } = tokenFile(cluster);
    for (const session of sessions) session.approveToken(file, approvals(file));
    nowMs += 3_600_000;
    expect(nodeAt(cluster, 0).quorumTokens()[0]?.validitySeconds).toBe(0);
    expect(add(officer(nodeAt(cluster, 0)))).toBe('RET_MXN_AUTH_FAILED');
    expect(add(officer(nodeAt(cluster, 0), 'officer2'))).toBe('RET_MXN_AUTH_FAILED');
    expect(sessions[0] && add(sessions[0])).toBe('not refused');
    sessions[1]?.logout();
    expect(nodeAt(cluster, 1).quorumTokens()).toEqual([]);
    cluster.fail(5);
    cluster.restore(5);
    expect(nodeAt(cluster, 2).quorumTokens()).toEqual([]);
    expect(sessions[2] && add(sessions[2])).toBe('session-closed');
  });

  test('a token of SDK 5 outlives its session, ends with its validity, and there is one per user and service', async () => {
    const cluster = await quorumCluster();
    const node = nodeAt(cluster, 0);
    const session = (): NodeSession => node.login('CO', 'officer1', PASSWORD, 'sdk5');
    const first = session();
    const { bytes } = first.requestToken(3);
    first.logout();
    expect(refusalOf(() => session().requestToken(3))).toBe('token-active');
    expect(refusalOf(() => session().requestToken(4))).toBe('not refused');
    session().approveToken(bytes, approvals(bytes));
    expect(add(officer(node))).toBe('RET_MXN_AUTH_FAILED');
    nowMs += 600_000;
    expect(node.quorumTokens()).toEqual([]);
    expect(add(session())).toBe('RET_MXN_AUTH_FAILED');
    expect(refusalOf(() => session().approveToken(bytes, approvals(bytes)))).toBe('token-expired');
    const again = session().requestToken(3).bytes;
    expect(refusalOf(() => session().approveToken(again, approvals(bytes)))).toBe('signature-invalid');
    session().approveToken(again, approvals(again));
    expect(add(session())).toBe('not refused');
  });

  test('a full store drops the oldest token without validity, else refuses', async () => {
    const node = nodeAt(await quorumCluster(), 0);
    const session = officer(node);
    const oldest = session.requestToken(3).view.id;
    nowMs += 1000;
    for (let i = 1; i < 1024; i += 1) session.requestToken(3);
    expect(refusalOf(() => session.requestToken(3))).toBe('token-store-full');
    nowMs += 599_000;
    expect(refusalOf(() => session.requestToken(3))).toBe('not refused');
    expect(node.quorumTokens().some(({ id }) => id === oldest)).toBe(false);
    expect(refusalOf(() => session.requestToken(3))).toBe('token-store-full');
  });

  test('tokens are deleted by officers, and asked for by officers', async () => {
    const node = nodeAt(await quorumCluster(), 0);
    const { view } = officer(node).requestToken(3);
    expect(refusalOf(() => cryptoUser(node).deleteToken(view.id))).toBe('wrong-user-type');
    officer(node, 'officer2').deleteToken(view.id);
    expect(node.quorumTokens()).toEqual([]);
    expect(refusalOf(() => officer(node).deleteToken(view.id))).toBe('token-unknown');
    expect(refusalOf(() => cryptoUser(node).requestToken(3))).toBe('wrong-user-type');
  });

  test('the entry is the 80 bytes of the documented sample', async () => {
    const { bytes, view } = officer(nodeAt(await quorumCluster(), 0)).requestToken(3);
    const entry = Buffer.from(bytes);
    expect(entry.length).toBe(80);
    expect([entry.readUInt16BE(0), entry.readUInt16BE(2), entry.readUInt32BE(4)]).toEqual([1, 3, view.id]);
    expect(entry.subarray(8, 16).every((byte) => byte === 0)).toBe(true);
    expect(entry.toString('latin1', 32, 64)).toBe('officer1'.padEnd(32, '\0'));
    expect(entry.readBigUInt64BE(64)).toBe(1_700_000_000n);
    expect(entry.subarray(72).every((byte) => byte === 0)).toBe(true);
  });
});

describe('signatures that the openssl program made', () => {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-quorum-'));
  const path = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  };
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(path(name)));

  test.each([
    ['dgst -sha256 over the token file', ['dgst', '-sha256', '-sign', 'officer.key', '-out', 'sig', 'token']],
    [
      'pkeyutl over its digest, as SDK 5 has it',
      ['pkeyutl', '-sign', '-pkeyopt', 'digest:sha256', '-inkey', 'officer.key', '-in', 'digest', '-out', 'sig'],
    ],
  ])('%s', async (_case, command) => {
    nowMs = 1_700_000_000_000;
    const node = nodeAt(await aCluster({ clock }), 0);
    const session = officer(node);
    openssl('genrsa', '-out', 'officer.key', '2048');
    openssl('rsa', '-in', 'officer.key', '-pubout', '-out', 'officer.pub');
    writeFileSync(path('proof'), 'any bytes');
    openssl('dgst', '-sha256', '-sign', 'officer.key', '-out', 'proof.sig', 'proof');
    session.registerQuorumKey('officer1', read('proof'), read('proof.sig'), readFileSync(path('officer.pub'), 'utf8'));
    register(officer(node, 'officer2'), 'officer2', signer2);
    session.setMValue(3, 2);
    const { bytes } = session.requestToken(3);
    writeFileSync(path('token'), bytes);
    writeFileSync(path('digest'), createHash('sha256').update(bytes).digest());
    openssl(...command);
    const [, second] = approvals(bytes);
    const first = { user: 'officer1', type: 'CO' as const, signature: read('sig') };
    expect(add(session)).toBe('RET_MXN_AUTH_FAILED');
    session.approveToken(bytes, second === undefined ? [] : [first, second]);
    expect(add(session)).toBe('not refused');
  });
});

describe('quorum values', () => {
  test('the first of each service is free, changes need a token of service 4', async () => {
    const node = nodeAt(await aCluster(), 0);
    const session = officer(node);
    register(session, 'officer1', signer1);
    register(officer(node, 'officer2'), 'officer2', signer2);
    expect([node.mValue(3), node.mValue(4)]).toEqual([1, 1]);
    expect(refusalOf(() => session.requestToken(4))).toBe('quorum-not-set');
    session.setMValue(3, 2);
    expect(refusalOf(() => session.setMValue(3, 3))).toBe('RET_MXN_AUTH_FAILED');
    session.setMValue(4, 2);
    expect(refusalOf(() => session.setMValue(4, 3))).toBe('RET_MXN_AUTH_FAILED');
    const { bytes } = session.requestToken(4);
    session.approveToken(bytes, approvals(bytes));
    session.setMValue(3, 3);
    expect([node.mValue(3), node.mValue(4)]).toEqual([3, 2]);
    expect(refusalOf(() => session.setMValue(3, 2))).toBe('RET_MXN_AUTH_FAILED');
  });

  test.each([0, 1, 2.5, 4, 8, 9, Number.NaN])('%s of three officers is refused', async (m) => {
    const node = nodeAt(await aCluster(), 0);
    expect(refusalOf(() => officer(node).setMValue(4, m))).toBe('m-value');
    expect(node.mValue(4)).toBe(1);
  });

  test('are set by officers, each HSM for itself', async () => {
    const cluster = await aCluster();
    expect(refusalOf(() => cryptoUser(nodeAt(cluster, 0)).setMValue(4, 2))).toBe('wrong-user-type');
    officer(nodeAt(cluster, 0)).setMValue(4, 2);
    expect(cluster.nodes.map((node) => node.mValue(4))).toEqual([2, 1, 1]);
  });
});

describe('quorum keys', () => {
  test("are RSA-2048, proven, and the user's own", async () => {
    const node = nodeAt(await aCluster(), 0);
    const session = officer(node);
    const proof = new Uint8Array(245).fill(1);
    const good = signed(signer1, proof);
    const attempt = (name: string, data: Uint8Array, signature: Uint8Array, pem: string): string =>
      refusalOf(() => session.registerQuorumKey(name, data, signature, pem));
    const small = aSigner(1024);
    expect(attempt('officer1', proof, signed(small, proof), small.publicKeyPem)).toBe('quorum-key');
    expect(attempt('officer1', proof, good, 'no key')).toBe('quorum-key');
    expect(attempt('officer1', proof, signed(signer2, proof), signer1.publicKeyPem)).toBe('quorum-proof');
    const long = new Uint8Array(246);
    expect(attempt('officer1', long, signed(signer1, long), signer1.publicKeyPem)).toBe('quorum-proof');
    expect(attempt('officer2', proof, good, signer1.publicKeyPem)).toBe('user-other');
    const user4 = cryptoUser(node);
    const asUser4 = (name: string) => refusalOf(() => user4.registerQuorumKey(name, proof, good, signer1.publicKeyPem));
    expect(asUser4('user5')).toBe('user-other');
    expect(asUser4('officer1')).toBe('no-such-user 0xce');
    expect(node.users().some(({ hasQuorumKey }) => hasQuorumKey)).toBe(false);
    expect(asUser4('user4')).toBe('not refused');
    expect(attempt('OFFICER1', proof, good, signer1.publicKeyPem)).toBe('not refused');
    expect(node.users().filter(({ hasQuorumKey }) => hasQuorumKey)).toHaveLength(2);
  });
});
