/** Quorum tokens through the tool: requested, signed by the openssl program, used once. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { simulatedTool } from '../../../../../src/adapters/cloudhsm/admin/simulator/simulated-tool.ts';
import type { SimulatedCluster } from '../../../../../src/adapters/cloudhsm/cluster/cluster.ts';
import type { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { Secret } from '../../../../../src/keys/secret.ts';
import { administered, intent, perform, silentAfter } from '../../../../support/cluster-administration.ts';
import { aCluster, nodeAt } from '../../../../support/cluster-fixtures.ts';
import { aCeremony, type Ceremony } from '../../../../support/quorum-officers.ts';

const password = new Secret('correct-horse');
const alice = { username: 'alice', role: 'crypto-user', password };

interface Scene {
  readonly cluster: SimulatedCluster;
  readonly device: Device;
  readonly ceremony: Ceremony;
  readonly token: Readonly<Record<string, unknown>>;
  readonly approve: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch, for the cluster. */
  readonly time: { now: number };
}

/** Three officers with registered keys, two of whom must approve what concerns users. */
async function scene(): Promise<Scene> {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') };
  const cluster = await aCluster({ clock: () => time.now });
  const ceremony = aCeremony();
  for (const name of Object.keys(ceremony.officers)) await registered(cluster, ceremony, name);
  const device = await administered(cluster);
  await perform(device, 'set-quorum-value', { service: 'user', value: 2 });
  return {
    cluster,
    device,
    ceremony,
    time,
    token: { service: 'user', file: ceremony.tokenFile },
    approve: { service: 'user', token: ceremony.tokenFile, officers: ceremony.officers },
  };
}

async function registered(cluster: SimulatedCluster, ceremony: Ceremony, name: string): Promise<void> {
  const device = await administered(cluster, { admin: name });
  const file = `${ceremony.folder}/${name}.registration`;
  const publicKey = ceremony.officers[name] ?? '';
  const { outputs } = await perform(device, 'get-quorum-token', { service: 'registration', file });
  const approve = { service: 'registration', token: file, officers: { [name]: publicKey } };
  const waiting = await refusal(device.perform({ action: 'approve-quorum-token', args: approve }));
  expect(waiting.code).toBe('approval-waiting');
  ceremony.sign(name, String(outputs.to_sign), expectedFiles(waiting)[0] ?? '');
  const { approval } = (await perform(device, 'approve-quorum-token', approve)).outputs;
  await perform(device, 'register-quorum-key', { 'public-key': publicKey, token: approval });
}

const refusal = (call: Promise<unknown>): Promise<KeyferryError> =>
  call.then(
    () => Promise.reject(new Error('not refused')),
    (error: KeyferryError) => error,
  );

/** The files that the hint asks for. */
const expectedFiles = ({ hint }: KeyferryError): string[] => hint.match(/\S+\.sig/g) ?? [];

/** The signature file of that officer, as the waiting run asks for it. */
async function signatureFile({ device, approve }: Scene, officer: string): Promise<string> {
  const waiting = await refusal(perform(device, 'approve-quorum-token', approve));
  const file = expectedFiles(waiting).find((each) => each.endsWith(`.${officer}.sig`));
  if (file === undefined) throw new Error(`${officer} is not asked: ${waiting.hint}`);
  return file;
}

async function sign(at: Scene, officer: string): Promise<void> {
  at.ceremony.sign(officer, `${at.ceremony.tokenFile}.to-sign`, await signatureFile(at, officer));
}

describe('a quorum of officers', () => {
  it('makes a user with two signatures, and the token is good for one operation', async () => {
    const at = await scene();
    const { cluster, device, token, approve } = at;
    const without = await refusal(perform(device, 'create-user', alice));
    expect(without).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(without.message).toContain('Quorum approval is required for this operation');

    await perform(device, 'get-quorum-token', token);
    await sign(at, 'officer1');
    const half = await refusal(perform(device, 'approve-quorum-token', approve));
    expect(half).toMatchObject({ code: 'approval-waiting', outcome: 'not-applied', exitCode: 4 });
    expect(half.message).toContain('1 of 2 signatures');
    expect(half.message).toMatch(/the token ends at \d{4}-\d\d-\d\dT\d\d:\d\dZ/);
    await sign(at, 'officer2');
    const { approval } = (await perform(device, 'approve-quorum-token', approve)).outputs;
    expect((await perform(device, 'list-quorum-tokens')).outputs.tokens).toEqual(['officer1 user 0/2 600 s']);
    await perform(device, 'create-user', { ...alice, approval });
    for (const node of cluster.nodes) expect(node.users().map((user) => user.name)).toContain('alice');
    expect((await perform(device, 'list-quorum-tokens')).outputs.tokens).toEqual([]);

    const again = { username: 'bob', role: 'crypto-user', password, approval };
    await expect(perform(device, 'create-user', again)).rejects.toMatchObject({
      code: 'quorum-token-ended',
      outcome: 'not-applied',
    });
    for (const node of cluster.nodes) expect(node.users().map((user) => user.name)).not.toContain('bob');
  });

  it('refuses an altered, a foreign and a doubled signature, each with its reason', async () => {
    const at = await scene();
    const { device, token, approve, ceremony } = at;
    await perform(device, 'get-quorum-token', token);
    const [one, two] = [await signatureFile(at, 'officer1'), await signatureFile(at, 'officer2')];
    ceremony.sign('officer1', `${ceremony.tokenFile}.to-sign`, one);
    ceremony.sign('admin', `${ceremony.tokenFile}.to-sign`, two);
    const foreign = await refusal(perform(device, 'approve-quorum-token', approve));
    expect(foreign).toMatchObject({ code: 'approval-waiting' });
    expect(foreign.message).toContain(`${two} is no signature of officer2`);

    const bytes = readFileSync(one);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(one, bytes);
    const altered = await refusal(perform(device, 'approve-quorum-token', approve));
    expect(altered.message).toContain('0 of 2 signatures');
    expect(altered.message).toContain(`${one} is no signature of officer1`);

    ceremony.sign('officer1', `${ceremony.tokenFile}.to-sign`, one);
    const { officer1 = '' } = ceremony.officers;
    const twice = { ...approve, officers: { officer1, other: officer1 } };
    const doubled = await refusal(perform(device, 'approve-quorum-token', twice));
    expect(doubled.message).toContain('other has the same key as another officer');
  });

  it('asks for a new token when the first has ended, and refuses signatures over the first', async () => {
    const at = await scene();
    const { device, token, approve, ceremony, time } = at;
    await perform(device, 'get-quorum-token', token);
    await sign(at, 'officer1');
    await sign(at, 'officer2');
    const before = readFileSync(ceremony.tokenFile, 'utf8');
    time.now += 601_000;
    const renewed = await refusal(perform(device, 'approve-quorum-token', approve));
    expect(renewed).toMatchObject({ code: 'approval-waiting' });
    expect(renewed.message).toContain('a new one was requested');
    expect(renewed.message.match(/is over an earlier token/g)).toHaveLength(2);
    expect(readFileSync(ceremony.tokenFile, 'utf8')).not.toBe(before);

    // Whoever renames the old signature for the new token gains nothing.
    const [wanted = ''] = expectedFiles(renewed);
    const old = readdirSync(ceremony.folder).find((name) => name.endsWith('.officer1.sig'));
    renameSync(`${ceremony.folder}/${old}`, wanted);
    const replayed = await refusal(perform(device, 'approve-quorum-token', approve));
    expect(replayed.message).toContain(`${wanted} is no signature of officer1 over this token`);
    ceremony.sign('officer1', `${ceremony.tokenFile}.to-sign`, wanted);
    await sign(at, 'officer2');
    const { approval } = (await perform(device, 'approve-quorum-token', approve)).outputs;
    await perform(device, 'create-user', { ...alice, approval });
  });

  it('is refused by the cluster when the approved token ends before it is used', async () => {
    const at = await scene();
    const { device, token, approve, time, cluster } = at;
    await perform(device, 'get-quorum-token', token);
    await sign(at, 'officer1');
    await sign(at, 'officer2');
    const { approval } = (await perform(device, 'approve-quorum-token', approve)).outputs;
    time.now += 601_000;
    for (const [action, args] of [
      ['create-user', alice],
      ['delete-user', { username: 'user5', role: 'crypto-user' }],
      ['set-quorum-value', { service: 'user', value: 3 }],
    ] as const) {
      await expect(perform(device, action, { ...args, approval })).rejects.toMatchObject({
        code: 'quorum-token-ended',
        outcome: 'not-applied',
        message: expect.stringContaining('has ended or was used'),
      });
    }
    expect(
      nodeAt(cluster, 0)
        .users()
        .map((user) => user.name),
    ).not.toContain('alice');
  });

  it('is not blamed for what the cluster refuses for another reason', async () => {
    const at = await scene();
    const { device, token, approve } = at;
    await perform(device, 'get-quorum-token', token);
    await sign(at, 'officer1');
    await sign(at, 'officer2');
    const { approval } = (await perform(device, 'approve-quorum-token', approve)).outputs;
    const admin = { username: 'admin', role: 'crypto-user', approval };
    await expect(perform(device, 'delete-user', admin)).rejects.toMatchObject({ code: 'device-refused' });
    const unsigned = { ...alice, approval: at.ceremony.tokenFile };
    await expect(perform(device, 'create-user', unsigned)).rejects.toMatchObject({ code: 'device-refused' });
    await perform(device, 'create-user', { ...alice, approval });
  });

  it('never asks for a second token while one is valid', async () => {
    const { device, token, ceremony, cluster } = await scene();
    await perform(device, 'get-quorum-token', token);
    const first = readFileSync(ceremony.tokenFile, 'utf8');
    await perform(device, 'get-quorum-token', token);
    expect(readFileSync(ceremony.tokenFile, 'utf8')).toBe(first);
    expect(nodeAt(cluster, 0).quorumTokens()).toHaveLength(1);
    const elsewhere = { ...token, file: `${ceremony.folder}/other.token` };
    await expect(perform(device, 'get-quorum-token', elsewhere)).rejects.toMatchObject({ code: 'device-refused' });
    expect(existsSync(elsewhere.file)).toBe(false);
  });

  it('settles a lost answer by what the cluster and the files say', async () => {
    const at = await scene();
    const { cluster, token, approve } = at;
    const tool = silentAfter(simulatedTool(cluster), 'quorum token-sign generate');
    const device = await administered(cluster, { tool });
    const call = { action: 'get-quorum-token', args: token };
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    await expect(device.perform(call)).rejects.toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toMatchObject({ state: 'done', outputs: { token: token.file } });
    const approval = { action: 'approve-quorum-token', args: approve };
    expect(await device.reconcile(approval, null)).toEqual({ state: 'absent' });
    await sign(at, 'officer1');
    await sign(at, 'officer2');
    await device.perform(approval);
    expect(await device.reconcile(approval, null)).toMatchObject({ state: 'done' });
  });

  it('does not take a file for a token that is none', async () => {
    const { device, approve, token, ceremony } = await scene();
    await perform(device, 'get-quorum-token', token);
    for (const text of ['', '{}', '{"version":"2.0","approval_data":"AAAA","token":"AAAA","signatures":[]}']) {
      writeFileSync(ceremony.tokenFile, text);
      await expect(perform(device, 'approve-quorum-token', approve)).rejects.toMatchObject({ code: 'file-unreadable' });
    }
  });
});

describe('set-quorum-value', () => {
  it('is free the first time only, and no more than there are officers', async () => {
    const { device } = await scene();
    const change = { action: 'set-quorum-value', args: { service: 'user', value: 3 } };
    await expect(device.perform(change)).rejects.toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(await device.reconcile(change, null)).toEqual({ state: 'absent' });
    const before = { action: 'set-quorum-value', args: { service: 'user', value: 2 } };
    expect(await device.reconcile(before, null)).toMatchObject({ state: 'done' });
    await expect(perform(device, 'set-quorum-value', { service: 'quorum', value: 8 })).rejects.toMatchObject({
      outcome: 'not-applied',
    });
  });
});

describe('register-quorum-key', () => {
  it('is settled for a first key, and left to a person for a second', async () => {
    const cluster = await aCluster();
    const ceremony = aCeremony(['officer1']);
    const device = await administered(cluster);
    const first = await intent(device, 'register-quorum-key', {});
    expect(await device.reconcile(first, null)).toEqual({ state: 'absent' });
    await registered(cluster, ceremony, 'officer1');
    expect(await device.reconcile(first, null)).toMatchObject({ state: 'done', outputs: { user: 'officer1' } });
    const second = await intent(device, 'register-quorum-key', {});
    expect(await device.reconcile(second, null)).toMatchObject({ state: 'ambiguous' });
  });
});
