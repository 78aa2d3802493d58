/** `keyferry console` as a process: scripts, devices, one command line, exit codes. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, runCli } from '../support/built-cli.ts';

const PASSWORD = 'simulated-password';
let cwd = '';

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'keyferry-console-'));
  await writeFile(
    join(cwd, 'devices.yaml'),
    [
      'devices:',
      '  lab: { adapter: cloudhsm, driver: simulated, nodes: 2, state: lab }',
      '  single: { adapter: cloudhsm, driver: simulated }',
      '  classic: { adapter: luna-classic, driver: simulated, ha-members: 2, token: ha3, state: classic }',
      '  real: { adapter: cloudhsm, driver: pkcs11, module: /opt/none.so, token: hsm1, pin: { env: NONE } }',
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
});
afterAll(() => rm(cwd, { recursive: true }));

const keyferry = (...args: string[]): Promise<CliResult> => runCli(['console', ...args], { cwd });
const codeOf = (result: CliResult): string => JSON.parse(result.stderr.trim().split('\n').at(-1) ?? '').error.code;

async function script(...lines: readonly string[]): Promise<string> {
  const path = join(cwd, 'script.txt');
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

test('two tools, two processes, one cluster: a key made in one is listed in the other', async () => {
  const made = await keyferry(
    'key_mgmt_util',
    '--script',
    await script(`loginHSM -u CU -s crypto_user -p ${PASSWORD}`, 'genSymKey -t 31 -s 32 -l first'),
  );
  expect({ code: made.code, stdout: made.stdout.includes('Symmetric Key Created.  Key Handle: 262145') }).toEqual({
    code: 0,
    stdout: true,
  });
  const listed = await keyferry(
    'cloudhsm_mgmt_util',
    '--device',
    'lab',
    '--script',
    await script('loginHSM CO admin -hpswd', PASSWORD, 'findAllKeys 3 0', 'quit'),
  );
  expect(listed.stdout).toContain('number of keys matched from start index 0::1\n262145\n');
  for (const { stdout, stderr } of [made, listed]) {
    expect(stdout).not.toContain(PASSWORD);
    expect(stderr).toContain('Simulated: a cluster of 2 HSMs (lab).');
  }
});

test('refusals do not end a script; lines that are not understood make it end with 2', async () => {
  const login = `loginHSM -u CU -s crypto_user -p ${PASSWORD}`;
  const refused = await keyferry('key_mgmt_util', '--script', await script(login, 'deleteKey -k 4711', 'findKey'));
  expect(refused.code).toBe(0);
  expect(refused.stdout).toMatch(/0xa8[\s\S]*Total number of keys/);
  const misused = await keyferry('key_mgmt_util', '--script', await script(login, 'fndKey', 'findKey'));
  expect(misused.code).toBe(2);
  expect(misused.stdout).toMatch(/Did you mean findKey\?[\s\S]*Total number of keys/);
});

test('one command line after --', async () => {
  const words = [
    'singlecmd',
    'loginHSM',
    '-u',
    'CU',
    '-s',
    'crypto_user',
    '-p',
    PASSWORD,
    'findKey',
    '-l',
    'no such "key"',
  ];
  const { code, stdout } = await keyferry('key_mgmt_util', '--', ...words);
  expect(code).toBe(0);
  expect(stdout).toContain('Total number of keys present 0\n');
  expect(stdout).not.toContain(PASSWORD);
});

test('without a devices file: in memory, and nothing is left behind', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'keyferry-console-empty-'));
  const { code, stderr } = await runCli(['console', 'cloudhsm-cli', '--', 'user', 'list'], { cwd: empty });
  expect(code).toBe(0);
  expect(stderr).toContain('in memory');
  expect(await readdir(empty)).toEqual([]);
  await rm(empty, { recursive: true });
});

test('the Classic client, in two processes: what one imported the other lists', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(cwd, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const pin = 'classic-partition-pin';
  const imported = await keyferry(
    'luna_client',
    '--script',
    await script('vtl listSlots', 'cmu import -inputFile=public.pem -label=classic_wrap', '2', pin, 'exit'),
  );
  expect(imported.code).toBe(0);
  expect(imported.stdout).toMatch(/slot #2 +HA Virtual Card Slot +ha3 [\s\S]*successfully created -> handle\(\d+\)/);
  const listed = await keyferry(
    'luna_client',
    '--device',
    'classic',
    '--script',
    await script('cmu list -slot=0', pin),
  );
  expect(listed.stdout).toMatch(/handle=\d+\tlabel=classic_wrap\n/);
  for (const { stdout, stderr } of [imported, listed]) {
    expect(stdout).not.toContain(pin);
    expect(stderr).toContain('Simulated: an HA group of 2 Classic partitions (classic).');
  }
});

test.each([
  ['a real device', ['key_mgmt_util', '--device', 'real'], 'not-simulated'],
  ['a device that is no cluster', ['key_mgmt_util', '--device', 'single'], 'usage'],
  ['a cluster, for the Classic client', ['luna_client', '--device', 'lab'], 'usage'],
  ['a Classic partition, for a cluster tool', ['cloudhsm-cli', '--device', 'classic'], 'usage'],
  ['a device that there is not', ['key_mgmt_util', '--device', 'lap'], 'device-unknown'],
  ['a role', ['key_mgmt_util', '--device', 'cluster=lab'], 'usage'],
  ['a tool that there is not', ['key_mgmt_utl'], 'usage'],
  ['a script that there is not', ['key_mgmt_util', '--script', 'none.txt'], 'file-unreadable'],
  ['a devices file that there is not', ['key_mgmt_util', '--devices', 'none.yaml'], 'file-unreadable'],
])('%s is refused', async (_what, args, code) => {
  const result = await keyferry(...args, '--json');
  expect(codeOf(result)).toBe(code);
  expect(result.code).toBe(2);
});

test('other commands still want a role', async () => {
  const result = await runCli(['plan', 'none.yaml', '--device', 'lab', '--json'], { cwd });
  expect(codeOf(result)).toBe('usage');
  expect(result.stderr).toContain('ROLE=NAME');
});
