/**
 * From a SoftHSM token to a simulated AWS KMS that is served by another process, by the command line: what has been moved, and that no key
 * byte was ever in keyferry's own process, on its disk or on its screen. SoftHSM itself runs in a child of it, as every PKCS#11 module.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastJson, REPOSITORY } from '../support/built-cli.ts';
import { CanaryDesk } from '../support/canary-desk.ts';
import { type Canary, CanarySearch, filesBelow, type Place } from '../support/canary-search.ts';
import { changed } from '../support/engine-harness.ts';
import { memoryOf } from '../support/kms-route-memory.ts';
import { type KnownKey, KnownToken, P256, TOKEN_PIN } from '../support/kms-route-softhsm.ts';
import { keysInKms } from '../support/kms-route-witness.ts';
import { type ServedKms, serveBuiltKms } from '../support/kms-service-served.ts';
import { SOFTHSM_MODULE } from '../support/softhsm.ts';

/** The pair that AWS documents as an example, which the served simulator knows. */
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const AES_KEYS = 6;

let dir: string;
let token: KnownToken;
let kms: ServedKms;
let desk: CanaryDesk;
let keys: readonly KnownKey[];
let padded: KnownKey;
let objects: readonly string[];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-kms-softhsm-'));
  token = new KnownToken('old-hsm');
  keys = [
    ...Array.from({ length: AES_KEYS }, (_, n) => token.makeAes(`payments-aes-${n}`)),
    token.makeRsa('payments-rsa'),
    token.makeEc('payments-ec'),
  ];
  padded = token.makeEc('padded-ec', P256);
  objects = token.objects();
  kms = await serveBuiltKms(['--signatures', 'full', '--state', 'served'], { cwd: dir });
  desk = new CanaryDesk(dir, { ...CREDENTIALS, SOFTHSM2_CONF: token.token.conf, SOURCE_PIN: TOKEN_PIN });
  const source = { driver: 'pkcs11', module: SOFTHSM_MODULE, token: 'old-hsm', pin: { env: 'SOURCE_PIN' } };
  // So slow that there is time to look at its memory, also on a fast machine.
  const quotas = { GetParametersForImport: 2, CreateKey: 0.2, ImportKeyMaterial: 2, UpdateAlias: 0 };
  const devices = {
    classic: { adapter: 'luna-classic', ...source },
    cluster: { adapter: 'cloudhsm', ...source },
    account: {
      adapter: 'kms',
      driver: 'aws',
      region: 'eu-west-1',
      endpoint: kms.facts.url,
      quotas,
      'settle-reads': 2,
      'settle-interval': '20ms',
    },
  };
  writeFileSync(join(dir, 'devices.yaml'), JSON.stringify({ devices }), { mode: 0o600 });
});

afterAll(async () => {
  await kms.stop('SIGTERM');
  for (const folder of [dir, token.token.dir]) rmSync(folder, { recursive: true, force: true });
});

/** Of what KMS shows, or of the bytes that it holds. */
const printOf = ({ publicKey, secrets: [secret] }: KnownKey): string =>
  createHash('sha256')
    .update(publicKey ?? Buffer.from(secret?.bytes ?? []))
    .digest('hex');

const playbook = (route: string): string => readFileSync(join(REPOSITORY, 'playbooks', `${route}.yaml`), 'utf8');

const secrets = (): readonly Canary[] => [...keys, padded].flatMap((key) => key.secrets);

/** As they are: every other form would take minutes over a whole memory. */
function rawIn(places: Iterable<Place>, canaries: readonly Canary[]): string[] {
  const found: string[] = [];
  for (const { where, bytes } of places) {
    const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const { name, bytes: needle } of canaries)
      if (haystack.indexOf(needle) !== -1) found.push(`${name} in ${where}`);
  }
  return found;
}

/** Runs a playbook, and stops it now and then to look at its memory. */
async function runWatched(file: string): Promise<{ readonly looks: number; readonly found: readonly string[] }> {
  const { child, ended } = desk.start(['run', file, '--yes', '--json']);
  const pid = child.pid ?? 0;
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
  });
  let looks = 0;
  let restMs = 100;
  const found: string[] = [];
  while (!isOver) {
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, restMs))]);
    const begun = performance.now();
    if (child.exitCode !== null || !child.kill('SIGSTOP')) continue;
    try {
      found.push(...rawIn(memoryOf(pid), secrets()));
      looks += 1;
    } catch (error) {
      // It ended meanwhile.
      if (child.exitCode === null && !/ENOENT|ESRCH/.test(String(error))) throw error;
    } finally {
      child.kill('SIGCONT');
      // It has to get on, too.
      restMs = 100 + (performance.now() - begun);
    }
  }
  const result = await ended;
  expect([result.code, result.stderr]).toEqual([0, '']);
  expect(lastJson(result)).toMatchObject({ state: 'done', leftovers: [] });
  return { looks, found };
}

async function expectMoved(moved: readonly KnownKey[]): Promise<void> {
  const seen = await keysInKms(join(dir, 'served'));
  const name = (label: string, state: string, alias: string, print: string): string =>
    [label, state, alias, print].join(' ');
  expect(seen.map(({ label, state, aliases, print }) => name(label, state, aliases.join(), print)).sort()).toEqual(
    moved.map((key) => name(key.label, 'Enabled', `alias/keyferry/${key.label}`, printOf(key))).sort(),
  );
  expect(token.objects().sort()).toEqual([...objects].sort());
}

describe('from SoftHSM to a KMS in another process', () => {
  it('moves AES-256 keys under OAEP with SHA-1, out of sight', async () => {
    writeFileSync(join(dir, 'symmetric.yaml'), playbook('classic-to-kms'));
    const { looks, found } = await runWatched('symmetric.yaml');
    expect(found).toEqual([]);
    expect(looks).toBeGreaterThan(2);
    await expectMoved(keys.filter(({ publicKey }) => publicKey === null));
  }, 120_000);

  it('moves an RSA and an EC key under the RSA-AES hybrid with SHA-1, out of sight', async () => {
    const text = changed(playbook('cloudhsm-to-kms'), /-sha256/g, '-sha1');
    writeFileSync(join(dir, 'pairs.yaml'), changed(text, /^ {4}&& \(key\.class.*$/m, '    && key.class == "private"'));
    const { looks, found } = await runWatched('pairs.yaml');
    expect(found).toEqual([]);
    expect(looks).toBeGreaterThan(2);
    await expectMoved(keys);
  }, 120_000);

  it('says beforehand that SoftHSM pads some private keys, and leaves nothing of one that KMS does not take', async () => {
    const plan = await desk.run(['plan', 'pairs.yaml', '-i', 'prefix=padded-', '--json']);
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/adds zero bytes to a private key/);
    const run = await desk.run(['run', 'pairs.yaml', '-i', 'prefix=padded-', '--yes', '--json']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/has not the length or the form of its key spec/);
    const left = (await keysInKms(join(dir, 'served'))).filter(({ label }) => label === padded.label);
    expect(left.map(({ state, aliases }) => [state, aliases])).toEqual([['PendingDeletion', []]]);
    expect(token.objects().sort()).toEqual([...objects].sort());
  }, 60_000);

  it('leaves no key byte on the screen, in the home or in a report', async () => {
    for (const args of [
      ['status', '--items', '--json'],
      ['report', '--format', 'json'],
      ['report', '--format', 'csv'],
      ['keys', 'account', '--json'],
      ['keys', 'cluster', '--json'],
    ]) {
      const { code, stderr } = await desk.run(args);
      expect([args[0], code, stderr]).toEqual([args[0], 0, '']);
    }
    const search = new CanarySearch(secrets());
    expect(search.in(desk.everything(['served']))).toEqual([]);
    // The simulated KMS does keep its keys in clear: the search finds the AES keys there.
    expect(search.in(filesBelow(join(dir, 'served'))).length).toBeGreaterThanOrEqual(AES_KEYS);
  }, 60_000);

  it('would have been seen: the served KMS, which must have them, has them in its memory', () => {
    expect(rawIn(memoryOf(kms.pid), secrets()).length).toBeGreaterThan(0);
  });
});
