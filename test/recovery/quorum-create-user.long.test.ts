/** The playbook under quorum, stopped before and after every write of its journal; the openssl program signs what the run asks for. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCluster } from '../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { Secret } from '../../src/keys/secret.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { intent } from '../support/cluster-administration.ts';
import { ClusterSite } from '../support/cluster-site.ts';
import { aCeremony, type Ceremony } from '../support/quorum-officers.ts';

const PASSWORD = 'correct-horse';

/** Longer than the validity of a token, in milliseconds. */
const TOKEN_ENDED_MS = 601_000;

afterEach(() => {
  vi.useRealTimers();
});

function aSite(ceremony: Ceremony, tokenFile: (site: ClusterSite) => string): ClusterSite {
  const inputs: Record<string, string> = {
    username: 'alice',
    role: 'crypto-user',
    officer1_key: ceremony.officers.officer1 ?? '',
    officer2_key: ceremony.officers.officer2 ?? '',
  };
  const site = new ClusterSite({
    playbook: 'quorum-create-user.yaml',
    roles: { cluster: { user: 'crypto_user3', admin: 'officer1' } },
    inputs,
    secrets: { password: new Secret(PASSWORD) },
  });
  inputs.token_file = tokenFile(site);
  return site;
}

/** Registers both officers' keys, then wants two approvals for what concerns users. */
async function wantQuorum(site: ClusterSite, ceremony: Ceremony): Promise<void> {
  for (const name of ['officer1', 'officer2']) {
    const { device } = await site.open('setup', { user: 'crypto_user3', admin: name });
    const file = join(ceremony.folder, `${name}.registration`);
    const publicKey = ceremony.officers[name] ?? '';
    const call = (action: string, args: Readonly<Record<string, unknown>>) =>
      intent(device, action, args).then((intended) => device.perform(intended));
    await call('get-quorum-token', { service: 'registration', file });
    const approve = { service: 'registration', token: file, officers: { [name]: publicKey } };
    await call('approve-quorum-token', approve).catch((error: KeyferryError) => sign(ceremony, error));
    const { approval } = (await call('approve-quorum-token', approve)).outputs;
    await call('register-quorum-key', { 'public-key': publicKey, token: approval });
    if (name === 'officer2') await call('set-quorum-value', { service: 'user', value: 2 });
    await device.close();
  }
}

/** Every officer who is asked signs, with the command that the error shows. */
function sign(ceremony: Ceremony, error: Pick<KeyferryError, 'code' | 'hint'>): void {
  expect(error.code).toBe('approval-waiting');
  const [, toSign = ''] = /-out \S+ (\S+\.to-sign)/.exec(error.hint) ?? [];
  for (const file of error.hint.match(/[^\s,()]+\.sig/g) ?? []) {
    const officer = /\.([a-z0-9]+)\.sig$/.exec(file)?.[1] ?? '';
    ceremony.sign(officer, toSign, file);
  }
}

/** Resumes, and has signed what is asked for, until the run is over. */
async function toTheEnd(site: ClusterSite, ceremony: Ceremony, begun: RunResult): Promise<RunResult> {
  let result = begun;
  for (let ceremonies = 0; result.exitCode === 4; ceremonies += 1) {
    if (ceremonies > 2 || result.error === null) throw new Error(`still waiting: ${result.error?.message}`);
    sign(ceremony, result.error);
    result = await site.resume(begun.run);
  }
  return result;
}

async function expectOneUser(site: ClusterSite, run: string): Promise<void> {
  await expectMade(site);
  expect(await site.applied(run)).toEqual(['token', 'approved', 'user']);
}

async function expectMade(site: ClusterSite): Promise<void> {
  const cluster = await openCluster({
    stateDir: join(site.dir, 'cluster'),
    nodes: [],
    users: [],
    hsmType: 'unlimited',
  });
  try {
    for (const node of cluster.nodes) {
      // admin, the appliance's, two officers, three crypto users, and alice next: nobody was made in between.
      expect(node.users().filter((user) => user.name === 'alice')).toMatchObject([{ id: 8, type: 'CU' }]);
      expect(node.users()).toHaveLength(8);
      // The one token was used by the one operation.
      expect(node.quorumTokens()).toEqual([]);
      node.login('CU', 'alice', PASSWORD).logout();
    }
    expect(cluster.syncCheck()).toEqual([]);
  } finally {
    await cluster.close();
  }
}

describe('quorum-create-user', () => {
  it('makes one user with one token, wherever it is stopped', async () => {
    const ceremony = aCeremony(['officer1', 'officer2']);
    const site = aSite(ceremony, ({ dir }) => join(dir, 'user.token'));
    await wantQuorum(site, ceremony);
    const waiting = await site.run();
    expect(waiting).toMatchObject({ exitCode: 4, error: { code: 'approval-waiting' } });
    const whole = await toTheEnd(site, ceremony, waiting);
    expect(whole).toMatchObject({ state: 'done', exitCode: 0, leftovers: [], error: null });
    await expectOneUser(site, whole.run);

    const images = await site.develop(whole.run);
    expect(images.length).toBeGreaterThan(15);
    for (const image of images) {
      image.restore();
      try {
        const result = await toTheEnd(site, ceremony, await site.resume(image.run));
        expect(result).toMatchObject({ state: 'done', exitCode: 0, error: null });
      } catch (error) {
        if (!(error instanceof KeyferryError && error.code === 'run-finished')) {
          throw new Error(`stopped ${image.name}: ${String(error)}`, { cause: error });
        }
      }
      await expectOneUser(site, image.run).catch((error: Error) => {
        throw new Error(`stopped ${image.name}: ${error.message}`, { cause: error });
      });
    }
  }, 600_000);

  it('waits again for whatever is not signed', async () => {
    const ceremony = aCeremony(['officer1', 'officer2']);
    const site = aSite(ceremony, ({ dir }) => join(dir, 'user.token'));
    await wantQuorum(site, ceremony);
    const { run } = await site.run();
    const again = await site.resume(run);
    expect(again).toMatchObject({ exitCode: 4, error: { code: 'approval-waiting' } });
    expect(again.error?.message).toContain('0 of 2 signatures');
    expect(await site.applied(run)).toEqual(['token']);
  });

  it('asks for another token where the first ended meanwhile, wherever it was stopped, and takes no signature over that', async () => {
    const ceremony = aCeremony(['officer1', 'officer2']);
    const site = aSite(ceremony, ({ dir }) => join(dir, 'user.token'));
    await wantQuorum(site, ceremony);
    const whole = await toTheEnd(site, ceremony, await site.run());
    let renewed = 0;
    for (const image of await site.develop(whole.run)) {
      image.restore();
      const wasSigned = readdirSync(site.dir).filter((name) => name.endsWith('.sig'));
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + TOKEN_ENDED_MS });
      const begun = await site.resume(image.run).catch((error: KeyferryError) => error);
      if (begun instanceof KeyferryError) {
        expect(begun.code).toBe('run-finished');
      } else {
        if (begun.exitCode === 4 && wasSigned.length > 0) {
          renewed += 1;
          for (const name of wasSigned) expect(begun.error?.message).toContain(`${name} is over an earlier token`);
        }
        const result = await toTheEnd(site, ceremony, begun);
        expect(result, image.name).toMatchObject({ state: 'done', exitCode: 0, leftovers: [], error: null });
      }
      vi.useRealTimers();
      await expectMade(site);
    }
    // Stopped with signatures, with an approved token, and with a token that the device was about to get.
    expect(renewed).toBeGreaterThan(4);
  }, 600_000);

  it('stays with --wait, and goes on when the last officer has signed', async () => {
    const ceremony = aCeremony(['officer1', 'officer2']);
    const site = aSite(ceremony, ({ dir }) => join(dir, 'user.token'));
    await wantQuorum(site, ceremony);
    const { run } = await site.run();
    const told: string[] = [];
    const result = await site.resume(run, (notice) => {
      told.push(notice);
      const [, file = '', toSign = ''] = /-out (\S+) (\S+\.to-sign)/.exec(notice) ?? [];
      if (file !== '') ceremony.sign(/\.([a-z0-9]+)\.sig$/.exec(file)?.[1] ?? '', toSign, file);
    });
    expect(told.filter((notice) => notice.includes('of 2 signatures'))).toEqual([
      expect.stringContaining('0 of 2 signatures'),
      expect.stringContaining('1 of 2 signatures'),
    ]);
    expect(result).toMatchObject({ state: 'done', exitCode: 0, error: null });
    await expectOneUser(site, run);
  });

  it('is interrupted while it waits, and has done nothing', async () => {
    const ceremony = aCeremony(['officer1', 'officer2']);
    const site = aSite(ceremony, ({ dir }) => join(dir, 'user.token'));
    await wantQuorum(site, ceremony);
    const { run } = await site.run();
    const stopped = await site.resume(run, (_notice, handle) => handle.interrupt());
    expect(stopped).toMatchObject({ state: 'paused', exitCode: 130, error: { code: 'interrupted' } });
    expect(await site.applied(run)).toEqual(['token']);
    const result = await toTheEnd(site, ceremony, await site.resume(run));
    expect(result).toMatchObject({ state: 'done', exitCode: 0 });
    await expectOneUser(site, run);
  });
});
