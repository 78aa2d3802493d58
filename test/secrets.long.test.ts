/**
 * The secrets canary: PINs and key bytes that the test knows are looked for in everything keyferry shows or leaves behind, over SoftHSM
 * and over the simulators. Beside what is in clear: wrapped keys, and more of an encrypted zero block than the KCV's three bytes.
 * Left out: memory, swap, and what a vendor's module writes itself.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { REPOSITORY } from './support/built-cli.ts';
import { CanaryDesk } from './support/canary-desk.ts';
import { canaryModule } from './support/canary-module.ts';
import { type Canary, CanarySearch, filesBelow, formsOf } from './support/canary-search.ts';
import { simulatedKeys } from './support/canary-simulated-keys.ts';
import { makeSoftHsmToken, useSoftHsm } from './support/softhsm.ts';
import { TokenWitness } from './support/token-witness.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const SOURCE_PIN = 'Kf7-source-PIN-xk29';
const TARGET_PIN = 'Kf8-target-PIN-wq51';
/** With characters that JSON, YAML and shells escape. */
const WRONG_PIN = 'Kf9-wrong-PIN-zz83"\\%';

const canary = (name: string, bytes: Uint8Array): Canary => ({ name, bytes });

const PINS = Object.entries({ SOURCE_PIN, TARGET_PIN, WRONG_PIN }).flatMap(([name, pin]) => [
  canary(name, Buffer.from(pin)),
  // Found also where the end is cut off or escaped.
  canary(`beginning of ${name}`, Buffer.from(pin.slice(0, 8))),
]);

/** A key and what nobody may keep of it. */
function keyCanaries({ name, bytes }: Canary): Canary[] {
  if (![16, 24, 32].includes(bytes.length) || name.includes('private')) return [canary(name, bytes)];
  const ciphers = bytes.length === 24 ? ['des-ede3', 'aes-192-ecb'] : [`aes-${bytes.length * 8}-ecb`];
  const zeroBlocks = ciphers.map((cipher) =>
    createCipheriv(cipher, bytes, null).setAutoPadding(false).update(Buffer.alloc(16)).subarray(0, 8),
  );
  return [canary(name, bytes), ...zeroBlocks.map((block) => canary(`encrypted zero block of ${name}`, block))];
}

/** A wrapped key is found by either end: what is stored in pieces is stored. */
const wrappedCanaries = ({ name, bytes }: Canary): Canary[] => [
  canary(`beginning of ${name}`, bytes.subarray(0, 24)),
  canary(`end of ${name}`, bytes.subarray(-24)),
];

const bitsOf = (byte: number): number => byte.toString(2).replaceAll('0', '').length;
const oddParity = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.map((byte) => (bitsOf(byte >> 1) % 2 === 0 ? byte | 1 : byte & 0xfe)));

const PLAYBOOK = readFileSync(join(REPOSITORY, 'playbooks/classic-to-cloudhsm.yaml'), 'utf8');

/** What an operator does in a night, from the plan to the report. */
async function aNight(desk: CanaryDesk, common: readonly string[], plan: string): Promise<void> {
  const commands = [
    ['devices'],
    ['keys', 'classic'],
    ['plan', 'playbook.yaml', '--out', plan],
    ['run', plan, '--yes'],
    ['status', '--items', '--json'],
    ['verify', '--json'],
    ['keys', 'cluster', '--json'],
    ['report', '--format', 'csv'],
    ['report', '--format', 'json'],
  ];
  for (const command of commands) {
    const { code, stderr } = await desk.run([...command, ...common]);
    expect([command[0], code, code === 0 ? '' : stderr]).toEqual([command[0], 0, '']);
  }
}

const folders: string[] = [];
function aFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-canary-'));
  folders.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

describe('the search', () => {
  const secret = randomBytes(24);
  const noise = randomBytes(100_000);
  const search = new CanarySearch([...PINS, canary('planted', secret)]);
  const names = (places: Parameters<CanarySearch['in']>[0]): string[] =>
    search.in(places).map((finding) => finding.canary);

  test('finds a planted secret in every form and at every alignment', () => {
    for (const [form, bytes] of Object.entries(formsOf(secret)))
      expect([form, names([{ where: form, bytes: Buffer.concat([noise, bytes, noise]) }])]).toEqual([
        form,
        ['planted'],
      ]);
    for (const shift of [0, 1, 2, 3, 4]) {
      const around = Buffer.concat([randomBytes(shift), secret, randomBytes(5)]);
      for (const encoding of ['base64', 'base64url', 'hex', 'latin1'] as const)
        expect(names([{ where: 'x', bytes: Buffer.from(`{"x":"${around.toString(encoding)}"}`, 'latin1') }])).toEqual([
          'planted',
        ]);
    }
  });

  test('finds nothing where nothing is, and refuses to look for what chance would find', () => {
    expect(search.in([{ where: 'noise', bytes: noise }])).toEqual([]);
    expect(() => new CanarySearch([canary('short', Buffer.from('1234'))])).toThrow(/too short/);
  });

  test('finds a PIN in the files of a folder, but not in those left out', () => {
    const dir = aFolder();
    mkdirSync(join(dir, 'deep/er'), { recursive: true });
    writeFileSync(join(dir, 'deep/er/.journal-wal'), Buffer.concat([noise, Buffer.from(SOURCE_PIN), noise]));
    expect(search.in(filesBelow(dir))[0]).toEqual({
      canary: 'SOURCE_PIN',
      form: expect.any(String),
      where: 'deep/er/.journal-wal',
      at: 100_000,
    });
    expect(search.in(filesBelow(dir, [join(dir, 'deep')]))).toEqual([]);
  });

  test('finds a PIN on a command line, and in an environment unless the operator put it there', async () => {
    const dir = aFolder();
    const shell = `{ command: [env, LEAKED=${TARGET_PIN}, sh, -c, "sleep 0.5; echo ${SOURCE_PIN}"] }`;
    const device = `  classic: { adapter: luna-classic, driver: simulated, pin: ${shell} }`;
    writeFileSync(join(dir, 'devices.yaml'), `devices:\n${device}\n`, { mode: 0o600 });
    const desk = new CanaryDesk(dir, { OPERATORS: WRONG_PIN });
    await desk.run(['devices']);
    expect(names(desk.commandLines)).toContain('SOURCE_PIN');
    expect(names(desk.environments)).toContain('TARGET_PIN');
    expect(names(desk.environments)).not.toContain('WRONG_PIN');
  });
});

describe('over SoftHSM', () => {
  const WAYS = {
    env: { source: '{ env: SOURCE_PIN }', target: '{ env: TARGET_PIN }' },
    file: { source: '{ file: pins/source }', target: '{ file: pins/target }' },
    command: { source: '{ command: [cat, pins/source] }', target: '{ command: [sh, -c, "cat pins/target"] }' },
  } as const;
  /** The vendor's, the operator's and the witness's own. */
  const KEPT = ['softhsm', 'pins', 'wrapped.log'];
  const keys: Canary[] = [];
  let dir = '';
  let module = '';
  let hsm: Readonly<Record<string, string>> = {};

  const wrapped = (): Canary[] =>
    readFileSync(join(dir, 'wrapped.log'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line, at) => canary(`wrapped key ${at}`, Buffer.from(line, 'hex')));
  /** RSA blobs; the shorter ones are from the probe of session keys. */
  const blobs = (): number => wrapped().filter(({ bytes }) => bytes.length === 256).length;
  const search = (): CanarySearch =>
    new CanarySearch([...PINS, ...keys.flatMap(keyCanaries), ...wrapped().flatMap(wrappedCanaries)]);

  /** Writes a devices file and a playbook for the keys whose labels begin with the name; gives the options that choose them. */
  function prepare(name: string, source: string, target: string): readonly string[] {
    const device = (adapter: string, token: string, pin: string): string =>
      `{ adapter: ${adapter}, driver: pkcs11, module: ${module}, token: ${token}, pin: ${pin}, call-timeout: 20s }`;
    const classic = device('luna-classic', 'old-hsm', source);
    const text = `devices:\n  classic: ${classic}\n  cluster: ${device('cloudhsm', 'new-hsm', target)}\n`;
    writeFileSync(join(dir, `${name}.yaml`), text, { mode: 0o600 });
    writeFileSync(join(dir, 'playbook.yaml'), PLAYBOOK.replace('default: payments-', `default: ${name}-`));
    return ['-d', `${name}.yaml`, '--home', `home-${name}`];
  }

  beforeAll(() => {
    dir = aFolder();
    const source = makeSoftHsmToken({ dir: join(dir, 'softhsm'), label: 'old-hsm', pin: SOURCE_PIN });
    makeSoftHsmToken({ dir: join(dir, 'softhsm'), label: 'new-hsm', pin: TARGET_PIN });
    useSoftHsm(source);
    const witness = new TokenWitness(source.module, 'old-hsm', SOURCE_PIN);
    const make = (label: string, bytes: 16 | 24 | 32, extractable: boolean): void => {
      const value = oddParity(randomBytes(bytes));
      witness.make({ type: bytes === 24 ? 'des3' : 'aes', label, id: randomBytes(8), value, extractable });
      keys.push(canary(label, value));
    };
    for (const way of Object.keys(WAYS)) {
      make(`${way}-aes-256`, 32, true);
      make(`${way}-aes-128`, 16, true);
      make(`${way}-des3`, 24, true);
      make(`${way}-fixed`, 32, false);
    }
    for (let n = 0; n < 80; n += 1) make(`killed-${n}`, 32, true);
    witness.close();
    module = canaryModule(join(dir, 'softhsm'));
    mkdirSync(join(dir, 'pins'), { mode: 0o700 });
    for (const [name, pin] of Object.entries({ source: SOURCE_PIN, target: TARGET_PIN, wrong: WRONG_PIN }))
      writeFileSync(join(dir, 'pins', name), `${pin}\n`, { mode: 0o600 });
    writeFileSync(join(dir, 'wrapped.log'), '');
    hsm = { SOFTHSM2_CONF: source.conf, WRAP_LOG: join(dir, 'wrapped.log') };
  });

  test.each(Object.entries(WAYS))('a night with PINs from %s leaves none anywhere, nor any key', async (way, pin) => {
    const before = blobs();
    const desk = new CanaryDesk(dir, way === 'env' ? { ...hsm, SOURCE_PIN, TARGET_PIN } : hsm);
    await aNight(desk, prepare(way, pin.source, pin.target), `${way}.plan`);

    // What is looked for was there: device hosts ran, keys were wrapped, the journal and the plan tell of them.
    const hosts = desk.commandLines.filter(({ bytes }) => Buffer.from(bytes).includes('host-main'));
    expect(hosts.length).toBeGreaterThan(1);
    expect(blobs() - before).toBeGreaterThanOrEqual(3);
    const places = desk.everything(KEPT);
    const telling = places
      .filter(({ bytes }) => Buffer.from(bytes).includes(`${way}-aes-256`))
      .map(({ where }) => where);
    expect(telling).toContain(`${way}.plan`);
    expect(telling.some((where) => where.startsWith(`home-${way}/runs/`))).toBe(true);
    expect(search().in(places)).toEqual([]);
    expect(search().in([{ where: 'planted', bytes: wrapped().at(-1)?.bytes ?? Buffer.alloc(0) }])).not.toEqual([]);
  });

  test('a run that is killed with keys on their way leaves no PIN and no key, wrapped or clear', async () => {
    const desk = new CanaryDesk(dir, hsm);
    const common = prepare('killed', WAYS.file.source, WAYS.file.target);
    const before = blobs();
    const { child, ended } = desk.start(['run', 'playbook.yaml', '--yes', '--concurrency', '2', ...common]);
    await vi.waitFor(() => expect(blobs() - before).toBeGreaterThan(15), { timeout: 60_000, interval: 5 });
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    expect(
      filesBelow(join(dir, 'home-killed')).some(({ where, bytes }) => /-wal$/.test(where) && bytes.length > 0),
    ).toBe(true);
    expect(search().in(desk.everything(KEPT))).toEqual([]);

    const resumed = await desk.run(['resume', '--json', ...common]);
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(search().in(desk.everything(KEPT))).toEqual([]);
  });

  test('a module that prints the PIN and crashes is quoted without it, also where its line is too long to be quoted', async () => {
    const desk = new CanaryDesk(dir, hsm);
    for (const leak of ['1', '290', '2000']) {
      const common = prepare(`leak-${leak}`, WAYS.file.source, WAYS.file.target);
      for (const json of [[], ['--json']]) {
        const result = await desk.run(['keys', 'classic', '--retry-pin', ...json, ...common], { PIN_LEAK: leak });
        expect(result.code).toBe(7);
        expect(result.stderr).toContain(leak === '1' ? '[redacted] is what I was given' : 'It printed last: xxx');
      }
    }
    expect(search().in(desk.everything(KEPT))).toEqual([]);
  });

  test('a wrong PIN is in no error and no memory of it', async () => {
    const desk = new CanaryDesk(dir, hsm);
    const common = prepare('wrong', '{ file: pins/wrong }', WAYS.file.target);
    const codes = [];
    for (const command of [
      ['keys', 'classic', '--json'],
      ['plan', 'playbook.yaml', '--json'],
      ['devices', '--json'],
    ]) {
      const { code, stdout, stderr } = await desk.run([...command, ...common]);
      expect(code).toBe(7);
      codes.push(stderr === '' ? JSON.parse(stdout).devices[0].error.code : JSON.parse(stderr).error.code);
    }
    expect(codes).toEqual(['login-refused', 'login-remembered', 'login-remembered']);
    await desk.run(['keys', 'classic', ...common]);
    expect(readFileSync(join(dir, 'home-wrong/refused-pins.json'), 'utf8')).toContain('"refused"');
    expect(search().in(desk.everything(KEPT))).toEqual([]);
  });
});

describe('over the simulators', () => {
  const STATES = ['state', 'pins', 'blobs'];
  let dir = '';
  let desk = new CanaryDesk('');

  beforeAll(async () => {
    dir = aFolder();
    desk = new CanaryDesk(dir, { TARGET_PIN });
    mkdirSync(join(dir, 'pins'), { mode: 0o700 });
    mkdirSync(join(dir, 'blobs'));
    writeFileSync(join(dir, 'pins/source'), `${SOURCE_PIN}\n`, { mode: 0o600 });
    devices('{ file: pins/source }');
    for (const [type, share] of [
      ['aes-256', '0.25'],
      ['aes-128', '0'],
      ['des3', '0'],
    ]) {
      const fill = [
        'simulator',
        'fill',
        'classic',
        '--count',
        '4',
        '--type',
        type ?? '',
        '--prefix',
        `payments-${type}-`,
      ];
      const filled = await desk.run([...fill, '--nonextractable-share', share ?? '']);
      expect([filled.code, filled.stderr]).toEqual([0, '']);
    }
  });

  function devices(pin: string): void {
    const lines = [
      `  classic: { adapter: luna-classic, driver: simulated, state: state/classic, pin: ${pin} }`,
      '  cluster: { adapter: cloudhsm, driver: simulated, state: state/cluster, pin: { env: TARGET_PIN } }',
    ];
    writeFileSync(join(dir, 'devices.yaml'), `devices:\n${lines.join('\n')}\n`, { mode: 0o600 });
  }

  test('a night leaves no PIN, key, private key or wrapped key, but where a playbook hands it over as a file', async () => {
    const toFile =
      '  - do: file.write\n    with: { path: "blobs/${{ key.label }}", data: "${{ steps.wrapped.data }}" }\n';
    writeFileSync(join(dir, 'playbook.yaml'), PLAYBOOK.replace(/^ {2}- id: arrived$/m, `${toFile}$&`));
    await aNight(desk, [], 'night.plan');

    const keys = [...simulatedKeys(join(dir, 'state/classic')), ...simulatedKeys(join(dir, 'state/cluster'))];
    // 12 keys and the canary on the source, 11 of them and the canary and the pair's three numbers on the target.
    expect(keys.filter(({ name }) => name.startsWith('secret')).length).toBeGreaterThanOrEqual(25);
    expect(keys.filter(({ name }) => name.includes('private'))).toHaveLength(3);
    const blobs = filesBelow(join(dir, 'blobs')).map(({ where, bytes }) => canary(`wrapped key ${where}`, bytes));
    expect(blobs.filter(({ bytes }) => bytes.length === 256).length).toBeGreaterThanOrEqual(11);
    const search = new CanarySearch([...PINS, ...keys.flatMap(keyCanaries), ...blobs.flatMap(wrappedCanaries)]);
    expect(search.in(desk.everything(STATES))).toEqual([]);
    // The simulator does keep its keys in clear: the search finds them there.
    expect(search.in(filesBelow(join(dir, 'state'))).length).toBeGreaterThanOrEqual(25);
  });

  test('a wrong PIN is in no error and no memory of it', async () => {
    writeFileSync(join(dir, 'pins/wrong'), `${WRONG_PIN}\n`, { mode: 0o600 });
    devices('{ file: pins/wrong }');
    for (const code of ['login-refused', 'login-remembered']) {
      const result = await desk.run(['plan', 'playbook.yaml', '--json', '--home', 'other']);
      expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([7, code]);
    }
    await desk.run(['devices', '--home', 'other']);
    expect(new CanarySearch(PINS).in(desk.everything(STATES))).toEqual([]);
  });
});
