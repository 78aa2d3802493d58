/**
 * Every playbook of playbooks/ is valid, drawn, planned and run to its end on simulated devices, by the command line. A playbook without
 * a scenario here fails the test, and so does a scenario without a playbook.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type CliResult, lastJson, REPOSITORY, runCli } from './support/built-cli.ts';
import { errorOf } from './support/canary-refusals.ts';
import { type Answer, aKmsService } from './support/kms-service-client.ts';

vi.setConfig({ testTimeout: 240_000 });

const FOLDER = join(REPOSITORY, 'playbooks');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const playbooks = files.filter((name) => !name.startsWith('devices.'));
const devicesFiles = files.filter((name) => name.startsWith('devices.'));

const folders: string[] = [];
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A copy of playbooks/ to run in, so that the simulators' state is not made in the repository. */
class Site {
  readonly dir = mkdtempSync(join(tmpdir(), 'keyferry-playbooks-'));
  devices = 'devices.yaml';

  constructor() {
    folders.push(this.dir);
    cpSync(FOLDER, this.dir, { recursive: true });
    // A checkout under umask 002 is the group's to write, which keyferry refuses in a devices file.
    for (const name of devicesFiles) chmodSync(join(this.dir, name), 0o644);
  }

  write(name: string, text: string | Buffer): void {
    writeFileSync(join(this.dir, name), text, { mode: 0o600 });
  }

  keyferry(...args: string[]): Promise<CliResult> {
    return runCli([...args, '-d', this.devices], {
      cwd: this.dir,
      env: { NEW_PASSWORD: 'correct-horse', WRAP_KEY: '5a'.repeat(32) },
    });
  }

  async json(...args: string[]): Promise<Record<string, unknown>> {
    const result = await this.keyferry(...args, '--json');
    expect([args[0], result.code, result.stderr]).toEqual([args[0], 0, '']);
    return JSON.parse(result.stdout);
  }

  async keys(device: string): Promise<readonly { readonly label: string; readonly class: string }[]> {
    return (await this.json('keys', device)).keys as { label: string; class: string }[];
  }

  async fill(device: string, count: number): Promise<void> {
    await this.json(
      'simulator',
      'fill',
      device,
      '--count',
      String(count),
      '--prefix',
      'payments-',
      '--nonextractable-share',
      '0.25',
    );
  }

  /** Plans, runs to the end and verifies; gives the summary of the run. */
  async run(playbook: string, ...args: string[]): Promise<Record<string, unknown>> {
    const inputs = args.flatMap((arg, at) => (arg === '-i' ? [arg, args[at + 1] ?? ''] : []));
    const plan = await this.json('plan', playbook, ...inputs);
    const summary = await this.json('run', playbook, '--yes', ...args);
    expect(summary).toMatchObject({ state: 'done', leftovers: [] });
    const { move } = plan.summary as { move: number };
    expect(summary.summary).toMatchObject({ migrated: move, failed: 0, pending: 0, needsAttention: 0 });
    return summary;
  }
}

/** Eight keys, two of which may not leave; afterwards the six others and nothing else is on the target. */
async function migration(
  site: Site,
  playbook: string,
  [from, to]: readonly [string, string],
  ...args: string[]
): Promise<void> {
  await site.fill(from, 8);
  const before = await site.keys(from);
  const { summary, run } = await site.run(playbook, ...args);
  expect(summary).toMatchObject({ total: 8, migrated: 6, skipped: 2 });
  expect(await site.keys(from)).toHaveLength(before.length);
  const arrived = await site.keys(to);
  expect(arrived.map((key) => key.class)).toEqual(Array(6).fill('secret'));
  expect(new Set(arrived.map(({ label }) => label)).size).toBe(6);
  expect((await site.json('verify', String(run))).summary).toEqual({ same: 6, different: 0, notCompared: 0 });
}

function twoClusters(site: Site): void {
  const cluster = (name: string): string =>
    `  ${name}: { adapter: cloudhsm, driver: simulated, state: state/${name}, token: ${name}-hsm }\n`;
  site.write('devices.yaml', `devices:\n${cluster('old')}${cluster('new')}`);
}

/** With a quota that does not make the test wait: four seconds for each set of import parameters are AWS's. */
function withAccount(site: Site, name: string, adapter: string): void {
  const account = 'adapter: kms, driver: simulated, region: eu-west-1, state: state/account, wrapping-keys: 2';
  site.write(
    'devices.yaml',
    `devices:\n  ${name}: { adapter: ${adapter}, driver: simulated, state: state/${name} }\n` +
      `  account: { ${account}, quotas: { GetParametersForImport: 100, CreateKey: 100, ImportKeyMaterial: 100 } }\n`,
  );
}

const DAY_MS = 86_400_000;

/** What the account's keys are now, asked past keyferry; `change` comes before, with each key's id. `ahead`: days from now. */
async function accountKeys(site: Site, change: string | null = null, ahead = 0): Promise<readonly Answer[]> {
  const kms = await aKmsService({
    stateDir: join(site.dir, 'state/account'),
    clock: () => Date.now() + ahead * DAY_MS,
  });
  try {
    const { Keys: keys } = await kms.call('ListKeys', {});
    const all: Answer[] = [];
    for (const { KeyId } of keys) {
      const { KeyMetadata: metadata } = await kms.call('DescribeKey', { KeyId });
      if (metadata.KeyManager === 'AWS') continue;
      if (change !== null) await kms.call(change, { KeyId });
      all.push((await kms.call('DescribeKey', { KeyId })).KeyMetadata);
    }
    return all;
  } finally {
    await kms.service.close();
  }
}

/** Key id → what a re-import must not change. */
const identities = (keys: readonly Answer[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key.KeyId, `${key.KeySpec} ${key.CurrentKeyMaterialId ?? ''}`]));
const states = (keys: readonly Answer[]): readonly string[] => [...new Set(keys.map((key) => String(key.KeyState)))];

/** Key pairs and an HMAC key that may leave. */
const SIGNING_KEYS = `keyferry: 1
playbook: make-keys
title: Make keys that sign
devices: { cluster: cloudhsm }
prepare:
  - do: cluster.generate-rsa-key-pair
    with: { purpose: signing, label: payments-rsa, modulus-bits: 2048, extractable: true }
  - do: cluster.generate-ec-key-pair
    with: { purpose: signing, label: payments-ec, curve: P-256, extractable: true }
  - do: cluster.generate-key
    with: { type: generic-secret, bits: 256, label: payments-hmac, extractable: true }
`;

/** A simulated YubiHSM beside the account, and another one to restore to. */
function withTokens(site: Site): void {
  withAccount(site, 'token', 'yubihsm');
  const text = readFileSync(join(site.dir, 'devices.yaml'), 'utf8');
  site.write('devices.yaml', `${text}  spare: { adapter: yubihsm, driver: simulated, state: state/spare }\n`);
}

/** A playbook of steps that make keys on the device token. */
const tokenKeys = (...steps: readonly string[]): string => `keyferry: 1
playbook: make-keys
title: Make keys on a YubiHSM
devices: { token: yubihsm }
prepare:
${steps.map((step) => `  - ${step}\n`).join('')}`;

/** Two keys that may leave, and one that may not. */
async function backedUp(site: Site): Promise<void> {
  site.write(
    'make-keys.yaml',
    tokenKeys(
      '{ do: token.generate-key, with: { type: aes, bits: 256, label: payments-aes, extractable: true } }',
      '{ do: token.generate-ec-key-pair, with: { label: payments-ec, curve: P-256, extractable: true } }',
      '{ do: token.generate-ec-key-pair, with: { label: payments-stays, curve: P-256 } }',
    ),
  );
  await site.json('run', 'make-keys.yaml', '--yes');
  mkdirSync(join(site.dir, 'backup'), { mode: 0o700 });
  const before = await site.keys('token');
  const { summary } = await site.run('yubihsm-backup.yaml', '-i', 'folder=backup', '-i', 'wrap_key=env:WRAP_KEY');
  expect(summary).toMatchObject({ total: 4, migrated: 3, skipped: 1 });
  expect(await site.keys('token')).toEqual(before);
}

/** A test without a scenario would be no test: the key is the playbook's file. */
const SCENARIOS: Readonly<Record<string, (site: Site) => Promise<void>>> = {
  'classic-to-cloudhsm.yaml': async (site) => {
    site.devices = 'devices.simulated.yaml';
    await migration(site, 'classic-to-cloudhsm.yaml', ['classic', 'cluster']);
  },
  'cluster-to-cluster.yaml': async (site) => {
    twoClusters(site);
    await migration(site, 'cluster-to-cluster.yaml', ['old', 'new']);
  },
  'cluster-to-cluster-plaintext.yaml': async (site) => {
    twoClusters(site);
    await migration(site, 'cluster-to-cluster-plaintext.yaml', ['old', 'new'], '--allow-plaintext');
  },
  'classic-to-kms.yaml': async (site) => {
    withAccount(site, 'classic', 'luna-classic');
    await site.fill('classic', 8);
    const { summary, run } = await site.run('classic-to-kms.yaml');
    expect(summary).toMatchObject({ total: 8, migrated: 6, skipped: 2 });
    expect(await site.keys('account')).toHaveLength(6);
    expect(await site.keys('classic')).toHaveLength(8);
    // Nothing compares a symmetric key of KMS from outside; the run has proven it by importing it twice.
    expect((await site.json('verify', String(run))).summary).toEqual({ same: 0, different: 0, notCompared: 6 });
    const again = await site.json('run', 'classic-to-kms.yaml', '--yes');
    expect(again.summary).toMatchObject({ migrated: 0, skipped: 8 });
    expect(await site.keys('account')).toHaveLength(6);
  },
  'cloudhsm-to-kms.yaml': async (site) => {
    withAccount(site, 'cluster', 'cloudhsm');
    site.write('make-keys.yaml', SIGNING_KEYS);
    await site.json('run', 'make-keys.yaml', '--yes');
    await site.fill('cluster', 4);
    const { summary, run } = await site.run('cloudhsm-to-kms.yaml');
    expect(summary).toMatchObject({ total: 7, migrated: 6, skipped: 1 });
    const types = (await site.keys('account')).map((key) => key.class).sort();
    expect(types).toEqual(['private', 'private', 'secret', 'secret', 'secret', 'secret']);
    expect((await site.json('verify', String(run))).summary).toEqual({ same: 3, different: 0, notCompared: 3 });
  },
  'yubihsm-to-kms.yaml': async (site) => {
    withTokens(site);
    const pair = (kind: string, more: string): string => `{ do: token.generate-${kind}-key-pair, with: { ${more} } }`;
    const curves = ['P-256', 'P-384', 'P-521', 'secp256k1'];
    site.write(
      'make-keys.yaml',
      tokenKeys(
        pair('rsa', 'purpose: signing, label: payments-rsa, modulus-bits: 2048, extractable: true'),
        ...curves.map((curve) => pair('ec', `label: payments-${curve}, curve: ${curve}, extractable: true`)),
        pair('ec', 'label: payments-stays, curve: P-256'),
        '{ do: token.generate-key, with: { type: aes, bits: 256, label: payments-aes, extractable: true } }',
      ),
    );
    await site.json('run', 'make-keys.yaml', '--yes');
    const before = await site.keys('token');
    const { summary, run } = await site.run('yubihsm-to-kms.yaml');
    expect(summary).toMatchObject({ total: 6, migrated: 5, skipped: 1 });
    // The device has what it had, and no wrap key of the run.
    expect(await site.keys('token')).toEqual(before);
    expect(await site.keys('account')).toHaveLength(5);
    expect((await site.json('verify', String(run))).summary).toEqual({ same: 5, different: 0, notCompared: 0 });
    const again = await site.json('run', 'yubihsm-to-kms.yaml', '--yes');
    expect(again.summary).toMatchObject({ migrated: 0, skipped: 6 });
  },
  'kms-reimport.yaml': async (site) => {
    withAccount(site, 'cluster', 'cloudhsm');
    const other = '  other: { adapter: cloudhsm, driver: simulated, state: state/other }\n';
    site.write('devices.yaml', `${readFileSync(join(site.dir, 'devices.yaml'), 'utf8')}${other}`);
    site.write('make-keys.yaml', SIGNING_KEYS);
    await site.json('run', 'make-keys.yaml', '--yes');
    await site.fill('cluster', 4);
    await site.run('cloudhsm-to-kms.yaml', '-i', 'verify=functional');
    const before = identities(await accountKeys(site));
    expect(Object.keys(before)).toHaveLength(6);

    // Deleted by hand.
    expect(states(await accountKeys(site, 'DeleteImportedKeyMaterial'))).toEqual(['PendingImport']);
    const first = await site.run('kms-reimport.yaml');
    expect(first.summary).toMatchObject({ migrated: 6, skipped: 1 });
    const renewed = await accountKeys(site);
    expect([identities(renewed), states(renewed)]).toEqual([before, ['Enabled']]);
    for (const { ExpirationModel: model, ValidTo: until } of renewed) {
      expect(model).toBe('KEY_MATERIAL_EXPIRES');
      expect(Math.abs(until * 1000 - Date.now() - 90 * DAY_MS)).toBeLessThan(DAY_MS / 24);
    }

    // Expired, and renewed with another alias.
    expect(states(await accountKeys(site, null, 91))).toEqual(['PendingImport']);
    await site.run('kms-reimport.yaml', '-i', 'expires=never', '-i', 'cut_over_prefix=alias/live/');
    const again = await accountKeys(site);
    expect([identities(again), states(again)]).toEqual([before, ['Enabled']]);
    expect(again.every((key) => key.ExpirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE')).toBe(true);

    // Keys of the same names that are others.
    await site.fill('other', 4);
    const refused = await site.keyferry('run', 'kms-reimport.yaml', '--device', 'cluster=other', '--yes', '--json');
    expect([refused.code, lastJson(refused)]).toMatchObject([1, { leftovers: [], summary: { migrated: 0 } }]);
    const items = await site.keyferry('status', '--items', '--json');
    expect(items.stdout).toContain('the KMS key holds other material than this source key');
    expect(identities(await accountKeys(site))).toEqual(before);
  },
  'yubihsm-to-kms-symmetric.yaml': async (site) => {
    withTokens(site);
    const aes = (label: string, bits: number, more: string): string =>
      `{ do: token.generate-key, with: { type: aes, bits: ${bits}, label: payments-${label}, ${more} } }`;
    site.write(
      'make-keys.yaml',
      tokenKeys(
        ...['one', 'two'].map((label) => aes(label, 256, 'extractable: true')),
        aes('stays', 256, 'extractable: false'),
        aes('short', 128, 'extractable: true'),
        aes('wraps', 256, 'purpose: wrapping, extractable: true'),
      ),
    );
    await site.json('run', 'make-keys.yaml', '--yes');
    const refused = await site.keyferry('run', 'yubihsm-to-kms-symmetric.yaml', '--yes', '--json');
    expect([refused.code, errorOf(refused).code]).toEqual([2, 'plaintext-not-allowed']);
    const plan = await site.json('plan', 'yubihsm-to-kms-symmetric.yaml');
    expect(plan.exposesPlaintext).toBe(true);
    const notes = (plan.items as { notes: string[] }[]).flatMap((item) => item.notes);
    expect(notes.filter((note) => note.includes('in clear on this computer'))).toHaveLength(2);
    const before = await site.keys('token');
    const { summary, run } = await site.run('yubihsm-to-kms-symmetric.yaml', '--allow-plaintext');
    expect(summary).toMatchObject({ total: 3, migrated: 2, skipped: 1 });
    expect(await site.keys('token')).toEqual(before);
    expect(await site.keys('account')).toHaveLength(2);
    const lines = (await site.keyferry('status', String(run), '--items', '--json')).stdout.trim().split('\n');
    const proofs = lines.map((line) => JSON.parse(line).verification);
    const strong = { method: 'same-material re-import', strength: 'strong', result: 'same' };
    expect(proofs.filter(Boolean)).toEqual([strong, strong]);
  },
  'external-cmk.yaml': async (site) => {
    withTokens(site);
    const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;
    const roles = ['-i', `administrators=${role('admin')}`, '-i', `users=${role('ebs')}`];
    expect((await site.keyferry('run', 'external-cmk.yaml', '--yes', ...roles)).code).toBe(2);
    await site.run('external-cmk.yaml', ...roles, '--allow-plaintext');
    const listed = (await site.json('keys', 'token')).keys as Record<string, unknown>[];
    const [escrow, ...others] = listed.filter(({ type }) => type !== 'other');
    expect(others).toEqual([]);
    expect(escrow).toMatchObject({ label: 'aws-cmk', class: 'secret', bits: 256, exportable: true });
    expect(await site.keys('account')).toMatchObject([{ label: 'aws-cmk', class: 'secret' }]);
    // The alias is taken: a second run is refused before anything is made.
    const again = await site.keyferry('run', 'external-cmk.yaml', '--yes', '--allow-plaintext', '--json', ...roles);
    expect(again.code).toBe(3);
    expect(await site.keys('token')).toHaveLength(listed.length);
    expect(await site.keys('account')).toHaveLength(1);
  },
  'yubihsm-backup.yaml': async (site) => {
    withTokens(site);
    await backedUp(site);
    expect(readdirSync(join(site.dir, 'backup'))).toHaveLength(3);
  },
  'yubihsm-restore.yaml': async (site) => {
    withTokens(site);
    await backedUp(site);
    // The factory's authentication key is on every device.
    rmSync(join(site.dir, 'backup/authentication-key-0x0001.wrapped'));
    await site.run('yubihsm-restore.yaml', '-i', 'files=backup/*.wrapped', '-i', 'wrap_key=env:WRAP_KEY');
    const labels = (await site.keys('spare')).map(({ label }) => label);
    expect(labels.sort()).toEqual(['DEFAULT AUTHKEY CHANGE THIS ASAP', 'payments-aes', 'payments-ec']);
  },
  'import-plaintext-key.yaml': async (site) => {
    site.devices = 'devices.simulated.yaml';
    mkdirSync(join(site.dir, 'keys'), { mode: 0o700 });
    for (const name of ['one', 'two', 'three']) site.write(`keys/${name}.key`, randomBytes(32));
    const { summary } = await site.run(
      'import-plaintext-key.yaml',
      '-i',
      'files=keys/*.key',
      '-i',
      'after=shred',
      '--allow-plaintext',
    );
    expect(summary).toMatchObject({ total: 3, migrated: 3 });
    expect(readdirSync(join(site.dir, 'keys'))).toEqual([]);
    expect(await site.keys('cluster')).toHaveLength(3);
  },
  'split-wrap-roles.yaml': async (site) => {
    site.devices = 'devices.cluster.yaml';
    await site.run('split-wrap-roles.yaml');
    expect((await site.keys('owner')).map(({ label }) => label).sort()).toEqual([
      'split-unwrap-only',
      'split-wrap-only',
    ]);
    expect((await site.keys('wrapper')).map(({ label }) => label)).toEqual(['split-wrap-only']);
    expect((await site.keys('unwrapper')).map(({ label }) => label)).toEqual(['split-unwrap-only']);
  },
  'quorum-create-user.yaml': async (site) => {
    const text = readFileSync(join(FOLDER, 'devices.cluster.yaml'), 'utf8');
    site.write(
      'devices.yaml',
      `${text}${text.slice(text.indexOf('  cluster:')).replace('cluster:', 'second:').replace('officer1\n', 'officer2\n')}`,
    );
    mkdirSync(join(site.dir, 'quorum'), { mode: 0o700 });
    for (const officer of ['officer1', 'officer2']) makeOfficer(site, officer);
    const ask = '  - do: cluster.set-quorum-value\n    with: { service: user, value: 2 }\n';
    site.write('register-1.yaml', registration('officer1'));
    site.write('register-2.yaml', registration('officer2', ask));
    await ceremony(site, 'register-1.yaml');
    await ceremony(site, 'register-2.yaml', '--device', 'cluster=second');
    await ceremony(site, 'quorum-create-user.yaml', '-i', 'username=alice', '-i', 'password=env:NEW_PASSWORD');
    // The name is taken now, and a second run cannot be a success.
    const again = await site.keyferry(
      'run',
      'quorum-create-user.yaml',
      '--yes',
      '--json',
      '-i',
      'username=alice',
      '-i',
      'password=env:NEW_PASSWORD',
    );
    expect(again.code).not.toBe(0);
  },
};

/** What the officers of a cluster do once: register a key each, and then want two approvals for what concerns users. */
const registration = (officer: string, more = ''): string => `keyferry: 1
playbook: register-${officer}
title: Register the key of ${officer}
devices: { cluster: cloudhsm }
prepare:
  - id: token
    do: cluster.get-quorum-token
    with: { service: registration, file: quorum/${officer}.registration }
  - id: approved
    do: cluster.approve-quorum-token
    with:
      service: registration
      token: "\${{ steps.token.token }}"
      officers: { ${officer}: quorum/${officer}.pem }
  - do: cluster.register-quorum-key
    with: { public-key: quorum/${officer}.pem, token: "\${{ steps.approved.approval }}" }
${more}`;

function makeOfficer(site: Site, officer: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  site.write(`quorum/${officer}.key`, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  site.write(`quorum/${officer}.pem`, publicKey.export({ format: 'pem', type: 'spki' }).toString());
}

/** Runs the playbook; whenever it waits for signatures, every officer who is named makes one with openssl, and it is resumed. */
async function ceremony(site: Site, playbook: string, ...args: string[]): Promise<void> {
  let result = await site.keyferry('run', playbook, '--yes', '--json', ...args);
  expect(result.code, result.stderr).toBe(4);
  for (let rounds = 0; result.code === 4 && rounds < 3; rounds += 1) {
    const { code, hint } = errorOf(result) as { code: string; hint: string };
    expect(code).toBe('approval-waiting');
    const [, toSign = ''] = /-out \S+ (\S+\.to-sign)/.exec(hint) ?? [];
    for (const signature of hint.match(/[^\s,()]+\.sig/g) ?? []) {
      const key = `quorum/${/\.([a-z0-9]+)\.sig$/.exec(signature)?.[1]}.key`;
      execFileSync('openssl', ['dgst', '-sha256', '-sign', key, '-out', signature, toSign], { cwd: site.dir });
    }
    result = await site.keyferry('resume', '--json', ...args.filter((_, at) => isSecretOrBinding(args, at)));
  }
  expect([result.code, result.stderr]).toEqual([0, '']);
  expect(lastJson(result)).toMatchObject({ state: 'done', leftovers: [] });
}

/** What resume wants again: everything else stands in the run's journal. */
const isSecretOrBinding = (args: readonly string[], at: number): boolean => {
  const value = args[at]?.startsWith('-') ? args[at + 1] : args[at];
  return /=env:|^cluster=/.test(value ?? '');
};

test('every playbook has a scenario, and every scenario a playbook', () => {
  expect(playbooks.length).toBeGreaterThan(0);
  expect(Object.keys(SCENARIOS).sort()).toEqual([...playbooks].sort());
});

test('every playbook is valid', async () => {
  const result = await runCli(['validate', '--json', ...playbooks], { cwd: FOLDER });
  expect(result.code, result.stdout).toBe(0);
  const { valid, playbooks: checked } = lastJson(result) as { valid: boolean; playbooks: { title: string }[] };
  expect([valid, checked.length]).toEqual([true, playbooks.length]);
});

test.each(devicesFiles)('%s names devices that open', async (file) => {
  const site = new Site();
  site.devices = file;
  const { devices } = (await site.json('devices')) as { devices: { reachable: boolean; trust: string }[] };
  expect(devices.length).toBeGreaterThan(0);
  for (const device of devices) expect(device).toMatchObject({ reachable: true, trust: 'simulated', error: null });
});

describe.each(Object.keys(SCENARIOS))('%s', (playbook) => {
  test('is drawn', async () => {
    const { graph } = lastJson(await runCli(['graph', playbook, '--json'], { cwd: FOLDER })) as { graph: string };
    expect(graph).toMatch(/^stateDiagram|^flowchart/m);
  });

  test('runs on simulated devices', async () => {
    await SCENARIOS[playbook]?.(new Site());
  });
});
