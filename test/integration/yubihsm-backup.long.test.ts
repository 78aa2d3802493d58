/**
 * yubihsm-backup and yubihsm-restore from the command line: what leaves one simulated YubiHSM arrives on another as it was, whatever cannot is
 * named, and no file gives anything away. What is on the devices is read from their state files.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StateStore } from '../../src/adapters/yubihsm/simulator/state-file.ts';
import type { StoredObject } from '../../src/adapters/yubihsm/simulator/stored-object.ts';
import { ORIGIN, objectTypeName } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { type CliResult, lastJson, REPOSITORY, runCli } from '../support/built-cli.ts';

vi.setConfig({ testTimeout: 60_000 });

const WRAP_KEY = randomBytes(32).toString('hex');

let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-backup-'));
  const device = (name: string): string => `  ${name}: { adapter: yubihsm, driver: simulated, state: state/${name} }\n`;
  write('devices.yaml', `devices:\n${device('token')}${device('spare')}`);
  write('make.yaml', MAKE);
  mkdirSync(join(dir, 'backup'));
  const made = await keyferry('run', 'make.yaml', '--yes', '--json', '--allow-plaintext');
  expect([made.code, made.stderr]).toEqual([0, '']);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const write = (name: string, text: string | Buffer): void => writeFileSync(join(dir, name), text, { mode: 0o600 });

function keyferry(command: string, ...args: readonly string[]): Promise<CliResult> {
  return runCli([command, ...args, '-d', 'devices.yaml'], {
    cwd: dir,
    env: { WRAP_KEY, OTHER: randomBytes(32).toString('hex') },
  });
}

/** One object of each kind that may leave, and three that may not. */
const MAKE = `keyferry: 1
playbook: make
title: Make objects
devices: { token: yubihsm }
prepare:
  - id: bytes
    do: token.get-random
    exposes: plaintext
    with: { bytes: 48 }
  - do: token.put-opaque
    with: { data: "\${{ steps.bytes.material }}", id: "0010", label: note, extractable: true, domains: "1,5" }
  - do: token.put-opaque
    with: { data: "\${{ steps.bytes.material }}", id: "0011", label: stays }
  - do: token.generate-key
    with: { type: aes, bits: 256, id: "0010", label: aes, extractable: true, domains: "2" }
  - do: token.generate-key
    with: { type: generic-secret, bits: 512, id: "0010", label: mac, extractable: true }
  - do: token.generate-key
    with: { type: ed25519, id: "0012", label: ed25519, extractable: true }
  - do: token.generate-key
    with: { type: aes, bits: 128, id: "0010", label: transit, purpose: wrapping, extractable: true }
  - do: token.generate-ec-key-pair
    with: { id: "0010", label: ec, curve: secp256k1, extractable: true, capabilities: [sign-ecdsa, derive-ecdh] }
  - do: token.generate-rsa-key-pair
    with: { purpose: signing, id: "0013", label: "ключ", modulus-bits: 2048, extractable: true }
  - do: token.generate-ec-key-pair
    with: { id: "0014", label: ec-stays, curve: P-256 }
  - do: token.generate-key
    with: { type: aes, bits: 256, id: "0015", label: aes-stays }
`;

const playbook = (name: string): string => join(REPOSITORY, 'playbooks', `${name}.yaml`);
const backup = (...more: readonly string[]): Promise<CliResult> =>
  keyferry(
    'run',
    playbook('yubihsm-backup'),
    '--yes',
    '--json',
    '-i',
    'folder=backup',
    '-i',
    'wrap_key=env:WRAP_KEY',
    ...more,
  );
const restore = (...more: readonly string[]): Promise<CliResult> =>
  keyferry('run', playbook('yubihsm-restore'), '--yes', '--json', '-i', 'files=backup/*.wrapped', ...more);
const RIGHT_KEY = ['-i', 'wrap_key=env:WRAP_KEY'];

const nameOf = ({ type, id }: Pick<StoredObject, 'type' | 'id'>): string =>
  `${objectTypeName(type)}-0x${id.toString(16).padStart(4, '0')}`;

async function objectsOn(name: string): Promise<ReadonlyMap<string, StoredObject>> {
  const store = new StateStore();
  await store.open(join(dir, 'state', name));
  try {
    return new Map([...store.state.objects.values()].map((object) => [nameOf(object), object]));
  } finally {
    await store.close();
  }
}

interface Item {
  readonly label: string;
  readonly state: string;
  readonly reason: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

async function itemsOf(result: CliResult): Promise<readonly Item[]> {
  const { run } = lastJson(result);
  const { stdout } = await keyferry('status', String(run), '--items', '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Item)
    .filter((line) => 'label' in line);
}

const EXPORTABLE = [
  'asymmetric-key-0x0010',
  'asymmetric-key-0x0012',
  'asymmetric-key-0x0013',
  'authentication-key-0x0001',
  'hmac-key-0x0010',
  'opaque-0x0010',
  'symmetric-key-0x0010',
  'wrap-key-0x0010',
];

const DROP_AES = `keyferry: 1
playbook: drop
title: Delete a key
devices: { spare: yubihsm }
keys: { from: spare, where: key.label == "aes" }
each:
  - do: spare.delete-key
    with: { key: "\${{ key }}" }
`;

/** A file of what the other device has too: its factory key. */
const CONFLICT = 'authentication-key-0x0001';

describe('a backup', () => {
  it('has one file for each object that may leave, and names the others with their reasons', async () => {
    const before = await objectsOn('token');
    const result = await backup();
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(lastJson(result).summary).toMatchObject({ total: 11, migrated: 8, skipped: 3, failed: 0 });
    expect(readdirSync(join(dir, 'backup')).sort()).toEqual(EXPORTABLE.map((name) => `${name}.wrapped`));
    const skipped = (await itemsOf(result)).filter(({ state }) => state === 'skipped');
    expect(skipped.map(({ label, reason }) => [label, reason?.replace(/^.*as wanted: /, '')]).sort()).toEqual([
      ['aes-stays', expect.stringContaining('symmetric-key 0x0015 lacks exportable-under-wrap: it can never leave')],
      ['ec-stays', expect.stringContaining('asymmetric-key 0x0014 lacks exportable-under-wrap: it can never leave')],
      ['stays', expect.stringContaining('opaque 0x0011 lacks exportable-under-wrap: it can never leave')],
    ]);
    // The wrap key is gone from the device, and all else is as it was.
    expect(await objectsOn('token')).toEqual(before);
  });

  it('is planned without the wrap key, from whichever folder it is then run and resumed', async () => {
    const made = await keyferry('plan', playbook('yubihsm-backup'), '--json', '-i', 'folder=backup', '-o', 'b.plan');
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect((lastJson(made) as { summary?: unknown }).summary).toMatchObject({ move: 8, skip: 3 });
    const unkeyed = await keyferry('run', 'b.plan', '--yes', '--json');
    expect(unkeyed.code).toBe(2);
    expect(unkeyed.stderr).toMatch(/wrap_key is a secret: give it as env:VAR.*-i NAME=prompt/);
    const args = ['--yes', '--json', '-i', 'wrap_key=env:WRAP_KEY', '-d', '../devices.yaml', '--home', '../.keyferry'];
    mkdirSync(join(dir, 'elsewhere'));
    const result = await runCli(['run', '../b.plan', ...args], { cwd: join(dir, 'elsewhere'), env: { WRAP_KEY } });
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(readdirSync(join(dir, 'backup'))).toHaveLength(8);
  });

  it.each([
    ['is not there', 'bakcup', /bakcup is not a folder that can be written/],
    ['has an older backup', 'backup', /backup has a file \*\.wrapped already, which could be replaced; choose another/],
  ])('is blocked by its plan when the folder %s', async (_name, folder, reason) => {
    write('backup/opaque-0x0010.wrapped', 'older');
    const result = await backup('-i', `folder=${folder}`);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(reason);
    expect(readFileSync(join(dir, 'backup/opaque-0x0010.wrapped'), 'utf8')).toBe('older');
    expect((await objectsOn('token')).size).toBe(11);
  });

  it('gives nothing away: files are the owner’s, and hold neither wrap key nor object in clear', async () => {
    await backup();
    const objects = await objectsOn('token');
    const files = readdirSync(join(dir, 'backup')).map((name) => join(dir, 'backup', name));
    for (const file of files) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const bytes = readFileSync(file);
      expect(bytes.includes(Buffer.from(WRAP_KEY, 'hex'))).toBe(false);
      for (const { material } of objects.values())
        expect(bytes.includes(Buffer.from(material.subarray(0, 16)))).toBe(false);
    }
    // nonce, 59 bytes of header, the key, tag
    expect(statSync(join(dir, 'backup/symmetric-key-0x0010.wrapped')).size).toBe(13 + 59 + 32 + 16);
  });

  it('keeps the wrap key out of everything that keyferry keeps', async () => {
    await backup();
    const kept = readdirSync(join(dir, '.keyferry'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(kept.length).toBeGreaterThan(0);
    for (const { parentPath, name } of kept) {
      const bytes = readFileSync(join(parentPath, name));
      expect(bytes.includes(WRAP_KEY)).toBe(false);
      expect(bytes.includes(Buffer.from(WRAP_KEY, 'hex'))).toBe(false);
    }
  });

  it.each([
    ['not hex', 'x'.repeat(64)],
    ['too short', '00'.repeat(15)],
  ])('is refused with a wrap key that is none (%s), and nothing is written', async (_name, key) => {
    write('key', key);
    const result = await backup('-i', 'wrap_key=file:key');
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).not.toContain(key);
    expect(readdirSync(join(dir, 'backup'))).toEqual([]);
    expect((await objectsOn('token')).size).toBe(11);
  });
});

describe('a restore onto another device', () => {
  beforeEach(async () => {
    expect((await backup()).code).toBe(0);
  });

  it('brings every object back with its id, label, domains and capabilities, and names what was there already', async () => {
    const planned = await keyferry('plan', playbook('yubihsm-restore'), '-i', 'files=backup/*.wrapped');
    expect(planned.code).toBe(0);
    const lines = planned.stdout.split('\n').filter((line) => /\.wrapped /.test(line));
    expect(lines).toHaveLength(8);
    const taken = 'authentication-key 0x0001 is on spare already: by its name this will fail';
    expect(lines.filter((line) => line.includes('already'))).toEqual([expect.stringMatching(`${CONFLICT}.*${taken}`)]);

    const result = await restore(...RIGHT_KEY);
    expect(result.code).toBe(1);
    expect(lastJson(result)).toMatchObject({ state: 'done', leftovers: [], summary: { migrated: 7, failed: 1 } });
    const [failed, ...others] = (await itemsOf(result)).filter(({ state }) => state !== 'migrated');
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ label: `${CONFLICT}.wrapped`, state: 'failed', error: { code: 'device-refused' } });
    expect(failed?.error?.message).toBe(
      'spare: could not import a wrapped object (import-wrapped): an object of this type and id is there already (object-exists).',
    );

    const [there, here] = [await objectsOn('token'), await objectsOn('spare')];
    expect([...here.keys()].sort()).toEqual(EXPORTABLE);
    for (const name of EXPORTABLE.filter((each) => each !== CONFLICT)) {
      const original = there.get(name);
      expect([name, here.get(name)]).toEqual([
        name,
        { ...original, origin: (original?.origin ?? 0) | ORIGIN.importedWrapped, sequence: 0 },
      ]);
    }
    // What was there is as it was.
    expect(here.get(CONFLICT)).toEqual(there.get(CONFLICT));
  });

  it('is not called a difference by verify, which has nothing to compare with; what is gone is', async () => {
    await restore(...RIGHT_KEY);
    const verified = await keyferry('verify');
    expect([verified.code, verified.stderr]).toEqual([0, '']);
    expect(verified.stdout).toMatch(/^7 keys cannot be compared from outside the device/);
    write('drop.yaml', DROP_AES);
    expect((await keyferry('run', 'drop.yaml', '--yes', '--json')).code).toBe(0);
    const runs = JSON.parse((await keyferry('runs', '--json')).stdout) as { runs: { run: string; playbook: string }[] };
    const restored = runs.runs.find((each) => each.playbook === 'yubihsm-restore')?.run ?? '';
    const again = await keyferry('verify', restored);
    expect(again.code).toBe(5);
    expect(again.stdout).toMatch(/symmetric-key-0x0010\.wrapped .*there is no secret key "aes" \(id 0010\)/);
  });

  it('never writes over an object: a second restore leaves all as it is, and reports each', async () => {
    await restore(...RIGHT_KEY);
    const before = await objectsOn('spare');
    const result = await restore(...RIGHT_KEY);
    expect(lastJson(result).summary).toMatchObject({ migrated: 0, failed: 8 });
    for (const item of await itemsOf(result)) expect(item.error?.message).toMatch(/is there already/);
    expect(await objectsOn('spare')).toEqual(before);
  });

  it('counts an object that comes again after it was deleted as the next of its id', async () => {
    await restore(...RIGHT_KEY);
    write('drop.yaml', DROP_AES);
    expect((await keyferry('run', 'drop.yaml', '--yes', '--json')).code).toBe(0);
    await restore(...RIGHT_KEY);
    expect((await objectsOn('spare')).get('symmetric-key-0x0010')?.sequence).toBe(1);
  });

  it('brings nothing in under another wrap key', async () => {
    const result = await restore('-i', 'wrap_key=env:OTHER');
    expect(lastJson(result).summary).toMatchObject({ migrated: 0, failed: 8 });
    expect([...(await objectsOn('spare')).keys()]).toEqual([CONFLICT]);
  });

  it('brings in nothing of a file that was altered or cut, and the rest all the same', async () => {
    const altered = join(dir, 'backup/symmetric-key-0x0010.wrapped');
    const bytes = readFileSync(altered);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(altered, bytes);
    const cut = join(dir, 'backup/hmac-key-0x0010.wrapped');
    writeFileSync(cut, readFileSync(cut).subarray(0, -1));
    const result = await restore(...RIGHT_KEY);
    expect(lastJson(result).summary).toMatchObject({ migrated: 5, failed: 3 });
    const here = await objectsOn('spare');
    expect(here.has('symmetric-key-0x0010') || here.has('hmac-key-0x0010')).toBe(false);
  });

  it('gives the keys themselves back: the same check value on both devices', async () => {
    await restore(...RIGHT_KEY);
    const kcvs = async (name: string): Promise<unknown> => {
      const { keys } = JSON.parse((await keyferry('keys', name, '--json')).stdout) as {
        keys: { label: string; kcv: string | null }[];
      };
      return keys.find(({ label }) => label === 'aes')?.kcv;
    };
    expect(await kcvs('spare')).toBe(await kcvs('token'));
    expect(await kcvs('spare')).toMatch(/^[0-9a-f]{6}$/);
    const digests = [await objectsOn('token'), await objectsOn('spare')].map((objects) =>
      createHash('sha256')
        .update(objects.get('asymmetric-key-0x0013')?.material ?? '')
        .digest('hex'),
    );
    expect(digests[0]).toBe(digests[1]);
  });
});
