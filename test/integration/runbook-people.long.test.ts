/** Runbooks of playbooks about people, clear files and a Classic partition, carried out in the consoles, leave what a run leaves. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import { type CliResult, lastJson, runCli } from '../support/built-cli.ts';
import { aSigner, register, type Signer, signed } from '../support/cluster-fixtures.ts';
import { shipped } from '../support/plaintext-desk.ts';
import { type PlayedDevice, type PlayedPart, playRunbook, runbookOf } from '../support/runbook-desk.ts';

const PASSWORD = 'simulated-password';

interface Desk {
  readonly dir: string;
  run(...args: string[]): Promise<CliResult>;
  done(...args: string[]): Promise<string>;
}

/** `devices`: name → settings as YAML flow pairs. */
function aDesk(devices: Readonly<Record<string, string>>): Desk {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-runbook-people-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const lines = Object.entries(devices).map(([name, values]) => `  ${name}: { ${values} }`);
  writeFileSync(join(dir, 'devices.yaml'), ['devices:', ...lines, ''].join('\n'), { mode: 0o600 });
  for (const folder of ['keys', 'quorum']) mkdirSync(join(dir, folder), { mode: 0o700 });
  const run = (...args: string[]) => runCli(args, { cwd: dir, env: { NEW_PASSWORD: 'password-of-alice' } });
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, `${args.join(' ')}\n${stderr}\n${stdout}`).toBe(0);
    return stdout;
  };
  return { dir, run, done };
}

function copyOf(desk: Desk, devices: Readonly<Record<string, string>>): Desk {
  const copy = aDesk(devices);
  for (const folder of ['state', 'keys']) cpSync(join(desk.dir, folder), join(copy.dir, folder), { recursive: true });
  return copy;
}

interface Key {
  readonly label: string;
  readonly [field: string]: unknown;
}

/** Ids of the keys of a run are random, those of a runbook speak; handles and, of new keys, check values differ anyway. */
async function keysOn(
  desk: Desk,
  device: string,
  ignored: readonly string[] = ['handle', 'id', 'kcv'],
): Promise<Key[]> {
  const { keys } = JSON.parse(await desk.done('keys', device, '--json')) as { keys: Key[] };
  return keys
    .map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => !ignored.includes(name))) as Key)
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

const isClean = ({ shown, wasMisused }: PlayedPart): boolean =>
  !wasMisused && !/was refused|HSM Error|"error_code": 1|could not be/i.test(shown);

const USERS = 'nodes: 2, officers: [officer1, officer2], crypto-users: [crypto_user3, crypto_user4, crypto_user5]';
const asUser = (user: string): string =>
  `adapter: cloudhsm, driver: simulated, state: state/users, ${USERS}, user: ${user}, admin: officer1`;

const openState = (dir: string): Promise<SimulatedCluster> =>
  openCluster({ stateDir: join(dir, 'state', 'users'), nodes: [], users: [], hsmType: 'unlimited' });

describe('split-wrap-roles', () => {
  const ROLES = { owner: 'crypto_user3', wrapper: 'crypto_user5', unwrapper: 'crypto_user4' } as const;
  const DEVICES = Object.fromEntries(Object.entries(ROLES).map(([name, user]) => [name, asUser(user)]));

  it('leaves the two copies of a run, shared as there, with both refusals seen', async () => {
    const ceremony = aDesk(DEVICES);
    await ceremony.done('devices');
    const automatic = copyOf(ceremony, DEVICES);
    const run = await automatic.run('run', shipped('split-wrap-roles'), '--yes', '--json');
    expect(lastJson(run), run.stderr).toMatchObject({ state: 'done' });

    await ceremony.done('plan', shipped('split-wrap-roles'), '--out', 'day.plan');
    const device: PlayedDevice = {
      adapter: 'cloudhsm',
      values: { nodes: 2, state: join(ceremony.dir, 'state/users') },
    };
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { owner: device, wrapper: device, unwrapper: device },
      filled: (name) => ({ 'crypto user': ROLES[name as keyof typeof ROLES], password: PASSWORD }),
    });
    // Two refusals were to be seen, and no other was.
    const refusing = parts.filter((part) => !isClean(part));
    expect(refusing.map(({ shown }) => shown.match(/was refused|returned: 0xb3/g)?.length)).toEqual([1, 1]);
    expect(refusing.map(({ shown }) => /unWrapKey -f/.test(shown))).toEqual([true, false]);

    for (const name of Object.keys(ROLES)) {
      const keys = await keysOn(ceremony, name);
      expect(keys).toEqual(await keysOn(automatic, name));
      expect(keys.map(({ label }) => label).sort()).toEqual(
        name === 'owner'
          ? ['split-unwrap-only', 'split-wrap-only']
          : [`split-${name === 'wrapper' ? 'wrap' : 'unwrap'}-only`],
      );
    }
    const [one, other] = await Promise.all((await keysOn(ceremony, 'owner', [])).map(async ({ kcv }) => kcv));
    expect(one).toBe(other);
    const cluster = await openState(ceremony.dir);
    expect(cluster.syncCheck()).toEqual([]);
    await cluster.close();
  }, 300_000);
});

describe('quorum-create-user', () => {
  const DEVICES = { cluster: asUser('crypto_user3') };
  const PLAYBOOK = shipped('quorum-create-user');
  const INPUTS = [
    'username=alice',
    'password=env:NEW_PASSWORD',
    'officer1_key=officer1.pem',
    'officer2_key=officer2.pem',
  ];
  const inputs = INPUTS.flatMap((input) => ['-i', input]);

  /** Two officers with keys, and two approvals wanted for what concerns users. */
  async function wantQuorum(dir: string, signers: Readonly<Record<string, Signer>>): Promise<void> {
    const cluster = await openState(dir);
    for (const node of cluster.nodes) {
      for (const [name, signer] of Object.entries(signers)) register(node.login('CO', name, PASSWORD), name, signer);
      node.login('CO', 'officer1', PASSWORD).setMValue(3, 2);
    }
    await cluster.close();
  }

  const usersIn = async (dir: string): Promise<unknown> => {
    const cluster = await openState(dir);
    const users = cluster.nodes.map((node) => {
      expect(node.quorumTokens()).toEqual([]);
      node.login('CU', 'alice', 'password-of-alice').logout();
      return node.users();
    });
    expect(cluster.syncCheck()).toEqual([]);
    await cluster.close();
    return users;
  };

  it('makes the user that a run makes, with the signatures of the officers in between', async () => {
    const signers = { officer1: aSigner(), officer2: aSigner() };
    const ceremony = aDesk(DEVICES);
    await ceremony.done('devices');
    await wantQuorum(ceremony.dir, signers);
    const automatic = copyOf(ceremony, DEVICES);
    for (const { dir } of [ceremony, automatic]) {
      for (const [name, { publicKeyPem }] of Object.entries(signers)) {
        writeFileSync(join(dir, `${name}.pem`), publicKeyPem);
      }
    }

    const waiting = await automatic.run('run', PLAYBOOK, ...inputs, '--yes', '--json');
    expect(waiting.code, waiting.stderr).toBe(4);
    const data = readFileSync(join(automatic.dir, 'quorum/user.token.to-sign'));
    for (const path of new Set(waiting.stderr.match(/\S+\.officer[12]\.sig/g))) {
      const name = path.includes('officer1') ? 'officer1' : 'officer2';
      writeFileSync(join(automatic.dir, path.replace(/^.*?(quorum\/)/, '$1')), signed(signers[name], data));
    }
    await automatic.done('resume', ...inputs.slice(2, 4));

    await ceremony.done('plan', PLAYBOOK, ...inputs, '--out', 'day.plan');
    const device: PlayedDevice = {
      adapter: 'cloudhsm',
      values: { nodes: 2, state: join(ceremony.dir, 'state/users') },
    };
    let signings = 0;
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { cluster: device },
      filled: () => ({
        ...{ 'crypto user': 'crypto_user3', password: PASSWORD, officer: 'officer1' },
        ...{ 'password of the officer': PASSWORD, 'new password of alice': 'password-of-alice' },
      }),
      byHand: () => {
        signings += 1;
        const path = join(ceremony.dir, 'quorum/user.token');
        const token = JSON.parse(readFileSync(path, 'utf8')) as { approval_data: string };
        const bytes = Buffer.from(token.approval_data, 'base64');
        const signatures = Object.entries(signers).map(([username, signer]) => ({
          username,
          signature: Buffer.from(signed(signer, bytes)).toString('base64'),
        }));
        writeFileSync(path, JSON.stringify({ ...token, signatures }));
      },
    });
    expect(signings).toBe(1);
    for (const part of parts) expect(isClean(part), part.shown).toBe(true);
    expect(parts.map(({ shown }) => shown).join('\n')).not.toContain('password-of-alice');
    expect(await usersIn(ceremony.dir)).toEqual(await usersIn(automatic.dir));
  }, 180_000);

  it('makes nobody where nobody signed', async () => {
    const ceremony = aDesk(DEVICES);
    await ceremony.done('devices');
    await wantQuorum(ceremony.dir, { officer1: aSigner(), officer2: aSigner() });
    await ceremony.done('plan', PLAYBOOK, ...inputs, '--out', 'day.plan');
    const device: PlayedDevice = {
      adapter: 'cloudhsm',
      values: { nodes: 2, state: join(ceremony.dir, 'state/users') },
    };
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { cluster: device },
      filled: () => ({
        ...{ 'crypto user': 'crypto_user3', password: PASSWORD, officer: 'officer1' },
        ...{ 'password of the officer': PASSWORD, 'new password of alice': 'password-of-alice' },
      }),
    });
    const made = parts.find(({ shown }) => shown.includes('user create'));
    expect(made?.shown).toContain('Quorum approval is required for this operation');
    const cluster = await openState(ceremony.dir);
    expect(cluster.nodes.some((node) => node.users().some(({ name }) => name === 'alice'))).toBe(false);
    await cluster.close();
  }, 120_000);
});

const CLUSTER = 'adapter: cloudhsm, driver: simulated, nodes: 2';
const byUser = () => ({ 'crypto user': 'crypto_user', password: PASSWORD });

describe('keys in clear', () => {
  it('import-plaintext-key brings in the keys that a run brings in, and none that can leave', async () => {
    const devices = { cluster: `${CLUSTER}, state: state/cluster` };
    const ceremony = aDesk(devices);
    await ceremony.done('devices');
    writeFileSync(join(ceremony.dir, 'keys/one.key'), randomBytes(32), { mode: 0o600 });
    writeFileSync(join(ceremony.dir, 'keys/two.key'), randomBytes(16), { mode: 0o600 });
    const automatic = copyOf(ceremony, devices);
    const files = ['-i', 'files=keys/*.key', '-i', 'after=keep'];
    const run = await automatic.run(
      'run',
      shipped('import-plaintext-key'),
      ...files,
      '--yes',
      '--allow-plaintext',
      '--json',
    );
    expect(lastJson(run), run.stderr).toMatchObject({ state: 'done', summary: { migrated: 2 } });

    await ceremony.done('plan', shipped('import-plaintext-key'), ...files, '--out', 'day.plan');
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { cluster: { adapter: 'cloudhsm', values: { nodes: 2, state: join(ceremony.dir, 'state/cluster') } } },
      filled: byUser,
    });
    for (const part of parts) expect(isClean(part), part.shown).toBe(true);
    const keys = await keysOn(ceremony, 'cluster', ['handle', 'id']);
    expect(keys.map(({ label }) => label)).toEqual(['two.key', 'one.key'].sort());
    expect(keys).toEqual(await keysOn(automatic, 'cluster', ['handle', 'id']));
    expect(keys.map(({ exportable }) => exportable)).toEqual([false, false]);
  }, 180_000);

  it('cluster-to-cluster-plaintext moves the keys that a run moves', async () => {
    const devices = { old: `${CLUSTER}, state: state/old`, new: `${CLUSTER}, state: state/new` };
    const ceremony = aDesk(devices);
    await ceremony.done('simulator', 'fill', 'old', '--count', '2', '--prefix', 'payments-');
    await ceremony.done('devices');
    const automatic = copyOf(ceremony, devices);
    const playbook = shipped('cluster-to-cluster-plaintext');
    const run = await automatic.run('run', playbook, '--yes', '--allow-plaintext', '--json');
    expect(lastJson(run), run.stderr).toMatchObject({ state: 'done', summary: { migrated: 2 } });
    await ceremony.done('plan', playbook, '--out', 'day.plan');
    const at = (name: string): PlayedDevice => ({
      adapter: 'cloudhsm',
      values: { nodes: 2, state: join(ceremony.dir, 'state', name) },
    });
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { old: at('old'), new: at('new') },
      filled: byUser,
    });
    for (const part of parts) expect(isClean(part), part.shown).toBe(true);
    expect(await keysOn(ceremony, 'new', ['handle'])).toEqual(await keysOn(automatic, 'new', ['handle']));
    expect(await keysOn(ceremony, 'old', ['handle'])).toEqual(await keysOn(automatic, 'old', ['handle']));
  }, 300_000);
});

describe('classic-to-cloudhsm', () => {
  it('moves the keys that a run moves, its part on the partition included', async () => {
    const devices = {
      classic: 'adapter: luna-classic, driver: simulated, state: state/classic',
      cluster: `${CLUSTER}, state: state/cluster`,
    };
    const ceremony = aDesk(devices);
    await ceremony.done('simulator', 'fill', 'classic', '--count', '2', '--prefix', 'payments-');
    await ceremony.done('devices');
    const automatic = copyOf(ceremony, devices);
    // The console of Classic's client makes no keys, so there is no throw-away key to send first.
    const playbook = readFileSync(shipped('classic-to-cloudhsm'), 'utf8').replace(/^canary:\n(?: .*\n)+/m, '');
    for (const { dir } of [ceremony, automatic]) writeFileSync(join(dir, 'playbook.yaml'), playbook);
    const run = await automatic.run('run', 'playbook.yaml', '--yes', '--json');
    expect(lastJson(run), run.stderr).toMatchObject({ state: 'done', summary: { migrated: 2 } });

    await ceremony.done('plan', 'playbook.yaml', '--out', 'day.plan');
    const state = (name: string) => ({ state: join(ceremony.dir, 'state', name) });
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: {
        classic: { adapter: 'luna-classic', values: state('classic') },
        cluster: { adapter: 'cloudhsm', values: { nodes: 2, ...state('cluster') } },
      },
      filled: (name) =>
        name === 'classic' ? { slot: '0', 'password of the partition': 'classic-partition-pin' } : byUser(),
    });
    for (const part of parts) expect(isClean(part), part.shown).toBe(true);
    expect(parts.map(({ tool }) => tool)).toContain('luna_client');
    expect(parts.map(({ shown }) => shown).join('\n')).not.toContain('classic-partition-pin');
    // key_mgmt_util types no id that is not text.
    const ignored = ['handle', 'id'];
    const keys = await keysOn(ceremony, 'cluster', ignored);
    expect(keys.map(({ label }) => label)).toEqual(['payments-0001', 'payments-0002']);
    expect(keys).toEqual(await keysOn(automatic, 'cluster', ignored));
  }, 180_000);
});
