import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type DevicesFile, loadDevicesFile } from '../../../src/devices/devices-file.ts';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { type DevicesFolder, makeDevicesFolder } from '../../support/devices-folder.ts';
import { TEST_ADAPTERS } from '../../support/playbook-adapters.ts';

let folder: DevicesFolder;
beforeEach(() => {
  folder = makeDevicesFolder();
});

const load = (path: string): DevicesFile => loadDevicesFile({ path, adapters: TEST_ADAPTERS });
const loadText = (text: string): DevicesFile => load(folder.write('devices.yaml', text));

function failure(action: () => unknown): KeyferryError {
  try {
    action();
  } catch (error) {
    if (error instanceof KeyferryError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const problems = (text: string): string[] => {
  const error = failure(() => loadText(text));
  expect(error.code).toBe('devices-invalid');
  return error.diagnostics.map(
    ({ line, column, message, hint }) => `${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
};

const device = (settings: string): string =>
  `devices:\n  classic: { adapter: luna-classic, driver: pkcs11, module: lib/p11.so, token: t, ${settings} }\n`;

test('settings are checked, paths absolute, defaults filled, secrets left as references', () => {
  const file = loadText(`devices:
  classic:
    adapter: luna-classic
    driver: pkcs11
    module: lib/p11.so
    token: classic
    pin: { file: ~/pin }
    call-timeout: 30s
    capabilities: { wrap: [rsa-oaep-sha1] }
  lab: { adapter: cloudhsm, driver: simulated, state: ~/lab, seed: 7 }
`);
  expect(file.path).toBe(join(folder.path, 'devices.yaml'));
  expect(file.devices).toEqual({
    classic: {
      name: 'classic',
      adapter: 'luna-classic',
      driver: 'pkcs11',
      values: {
        module: join(folder.path, 'lib/p11.so'),
        token: 'classic',
        pin: { file: join(homedir(), 'pin') },
        sessions: 8,
        'call-timeout': '30s',
        capabilities: { wrap: ['rsa-oaep-sha1'] },
      },
    },
    lab: { name: 'lab', adapter: 'cloudhsm', driver: 'simulated', values: { state: join(homedir(), 'lab'), seed: 7 } },
  });
  expect(file.approvers).toEqual({});
});

test('the devices file of the main playbook is good', () => {
  const file = loadText(readFileSync(new URL('../../../playbooks/devices.simulated.yaml', import.meta.url), 'utf8'));
  expect(Object.values(file.devices).map(({ driver, values }) => [driver, values])).toEqual([
    ['simulated', { state: join(folder.path, 'simulated/classic') }],
    ['simulated', { state: join(folder.path, 'simulated/cluster') }],
  ]);
});

describe('wrong files', () => {
  const cases: readonly [string, string, string][] = [
    ['no devices', 'approvers: {}\n', '1:1: devices is missing'],
    ['an unknown field', 'devices: {}\ndevises: {}\n', '2:1: devises is not known here (did you mean devices?)'],
    ['a device that is no map', 'devices: { a: x }\n', '1:15: the device a must be a map: { adapter: …, driver: … }'],
    [
      'no adapter',
      'devices: { a: { driver: simulated } }\n',
      '1:15: adapter is missing (one of luna-classic, cloudhsm)',
    ],
    [
      'an unknown adapter',
      'devices: { a: { adapter: luna-clasic, driver: simulated } }\n',
      '1:26: there is no adapter luna-clasic (did you mean luna-classic?)',
    ],
    [
      'an unknown driver',
      'devices: { a: { adapter: cloudhsm, driver: pkcs12 } }\n',
      '1:44: there is no driver pkcs12 (did you mean pkcs11?)',
    ],
    [
      'a driver with a name of JavaScript',
      'devices: { a: { adapter: cloudhsm, driver: toString } }\n',
      '1:44: there is no driver toString (known: simulated, pkcs11)',
    ],
    [
      'an unknown setting',
      'devices: { a: { adapter: cloudhsm, driver: simulated, stat: x } }\n',
      '1:55: stat is not known here (did you mean state?)',
    ],
    [
      'a missing setting',
      'devices: { a: { adapter: cloudhsm, driver: pkcs11, token: t, pin: { env: P } } }\n',
      '1:15: module is missing',
    ],
    [
      'a setting of the wrong type',
      'devices: { a: { adapter: cloudhsm, driver: simulated, seed: x } }\n',
      '1:61: must be a whole number',
    ],
    [
      'a PIN in the clear',
      device('pin: 1234'),
      '2:88: a secret may not stand in the devices file (say where it is found: { env: NAME }, { file: PATH }, { command: [PROGRAM, …] } or { prompt: QUESTION })',
    ],
    [
      'a PIN in quotes',
      device('pin: "hunter2"'),
      '2:88: a secret may not stand in the devices file (say where it is found: { env: NAME }, { file: PATH }, { command: [PROGRAM, …] } or { prompt: QUESTION })',
    ],
    [
      'a secret of two places',
      device('pin: { env: A, file: b }'),
      '2:88: a secret is found in exactly one place ({ env: NAME }, { file: PATH }, { command: [PROGRAM, …] } or { prompt: QUESTION })',
    ],
    [
      'a secret of no place',
      device('pin: {}'),
      '2:88: a secret is found in exactly one place ({ env: NAME }, { file: PATH }, { command: [PROGRAM, …] } or { prompt: QUESTION })',
    ],
    [
      'an unknown place',
      device('pin: { envv: A }'),
      '2:90: this is no place where a secret is found (did you mean env?)',
    ],
    [
      'a value in place of a variable',
      device('pin: { env: "12 34" }'),
      '2:95: must be the name of an environment variable',
    ],
    [
      'a command that is one text',
      device('pin: { command: "pass show x" }'),
      '2:99: a command is a list of texts: the program and its arguments (for example { command: [pass, show, hsm] })',
    ],
    [
      'a command of numbers',
      device('pin: { command: [echo, 1] }'),
      '2:99: a command is a list of texts: the program and its arguments (for example { command: [pass, show, hsm] })',
    ],
    ['a prompt without a question', device('pin: { prompt: true }'), '2:98: prompt must be text'],
    [
      'a tag',
      'devices: { a: !x { adapter: cloudhsm } }\n',
      '1:15: YAML tags are not used here (take !x away, or put the text in quotes)',
    ],
    ['an approver without a key', 'devices: {}\napprovers: { a: {} }\n', '2:17: public-key is missing'],
    [
      'an approver whose key is not there',
      'devices: {}\napprovers: { a: { public-key: no.pem } }\n',
      '2:31: the public key of a cannot be read: ',
    ],
    ['an empty file', '', '1:1: the file is empty'],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problems(text)).toContainEqual(expect.stringContaining(message));
  });

  test('a PIN written in the clear is in no message', () => {
    const error = failure(() => loadText(device('pin: hunter2')));
    expect(JSON.stringify([error.message, error.diagnostics, error.toRecord()])).not.toContain('hunter2');
  });

  test('all problems at once', () => {
    expect(
      problems(
        'devices:\n  a: { adapter: x, driver: y }\n  b: { adapter: cloudhsm, driver: simulated, seed: x, sted: 1 }\n',
      ),
    ).toHaveLength(3);
  });

  test('a file that is not there', () => {
    expect(failure(() => load(join(folder.path, 'none.yaml')))).toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(`no devices file ${join(folder.path, 'none.yaml')}`),
      hint: expect.stringContaining('-d FILE'),
    });
  });
});

describe('approvers', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

  test('are told apart by the hash of their public key', () => {
    folder.write('o1.pem', pem);
    const { approvers } = loadText('devices: {}\napprovers: { officer1: { public-key: o1.pem } }\n');
    expect(approvers.officer1).toMatchObject({ name: 'officer1', publicKeyFile: join(folder.path, 'o1.pem') });
    expect(approvers.officer1?.spkiSha256).toMatch(/^[0-9a-f]{64}$/);
  });
  test('two names for one key are refused', () => {
    folder.write('o1.pem', pem);
    folder.write('o2.pem', pem);
    expect(problems('devices: {}\napprovers:\n  a: { public-key: o1.pem }\n  b: { public-key: o2.pem }\n')).toEqual([
      '4:20: b and a have the same public key',
    ]);
  });
  test('a private key is refused', () => {
    folder.write('o1.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(problems('devices: {}\napprovers: { a: { public-key: o1.pem } }\n')[0]).toMatch(
      /holds a private key \(an approver keeps it/,
    );
  });
  test.each([
    ['ed25519', generateKeyPairSync('ed25519').publicKey, /it is ed25519, and only RSA and EC P-256 are taken$/],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, /it is EC on secp384r1/],
    ['RSA-1024', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, /RSA with 1024 bits, and 2048 is/],
  ])('a key that cannot sign approvals is refused: %s', (_name, key, problem) => {
    folder.write('o1.pem', key.export({ type: 'spki', format: 'pem' }).toString());
    expect(problems('devices: {}\napprovers: { a: { public-key: o1.pem } }\n')[0]).toMatch(problem);
  });
  test('what is no key is refused', () => {
    folder.write('o1.pem', 'nothing');
    expect(problems('devices: {}\napprovers: { a: { public-key: o1.pem } }\n')[0]).toMatch(/is no public key in PEM$/);
  });
});

describe('a file that others can change is refused', () => {
  const GOOD = 'devices: {}\n';
  test('writable by the group or by others', () => {
    for (const mode of [0o620, 0o602, 0o666]) {
      const path = folder.write('devices.yaml', GOOD);
      chmodSync(path, mode);
      expect(failure(() => load(path))).toMatchObject({ code: 'file-unsafe', exitCode: 2 });
    }
  });
  test('readable by others is fine: it holds no secrets', () => {
    const path = folder.write('devices.yaml', GOOD);
    chmodSync(path, 0o644);
    expect(load(path).devices).toEqual({});
  });
  test('in a folder that others can write, or below one', () => {
    const open = join(folder.path, 'open');
    mkdirSync(join(open, 'inner'), { recursive: true });
    const files = [folder.write('open/devices.yaml', GOOD), folder.write('open/inner/devices.yaml', GOOD)];
    chmodSync(open, 0o777);
    for (const path of files)
      expect(failure(() => load(path)).message).toMatch(
        /^The folder .*open can be written by others, who could replace/,
      );
    chmodSync(open, 0o1777);
    for (const path of files) expect(load(path).devices).toEqual({});
  });
  test('through a link in a folder that others can write', () => {
    const path = folder.write('devices.yaml', GOOD);
    const open = join(folder.path, 'open');
    mkdirSync(open);
    symlinkSync(path, join(open, 'link.yaml'));
    expect(load(join(open, 'link.yaml')).devices).toEqual({});
    chmodSync(open, 0o777);
    expect(failure(() => load(join(open, 'link.yaml')))).toMatchObject({ code: 'file-unsafe' });
  });
  test("a folder further up may be the group's", () => {
    const shared = join(folder.path, 'shared');
    mkdirSync(join(shared, 'inner'), { recursive: true });
    const path = folder.write('shared/inner/devices.yaml', GOOD);
    chmodSync(shared, 0o775);
    expect(load(path).devices).toEqual({});
    chmodSync(join(shared, 'inner'), 0o775);
    expect(failure(() => load(path))).toMatchObject({ code: 'file-unsafe' });
  });
});
