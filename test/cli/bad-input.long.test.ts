/** Wrong playbooks, devices files and command lines: each a clear message with its place, its exit code, and nothing changed on a device. */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runCli } from '../support/built-cli.ts';
import { type Bench, expectRefused } from '../support/canary-refusals.ts';
import { type SimulatedMigration, simulatedMigration } from '../support/simulated-migration.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let bench: SimulatedMigration & Bench;
let playbook = '';
beforeAll(async () => {
  bench = await simulatedMigration({ count: 6 });
  playbook = readFileSync(join(bench.dir, 'playbook.yaml'), 'utf8');
});
afterAll(() => rmSync(bench.dir, { recursive: true, force: true }));

const write = (name: string, text: string | Buffer, mode = 0o600): void =>
  writeFileSync(join(bench.dir, name), text, { mode });

describe('a playbook with an error', () => {
  const edit =
    (from: string, to: string) =>
    (text: string): string => {
      expect(text).toContain(from);
      return text.replace(from, to);
    };
  test.each<[string, (text: string) => string, RegExp]>([
    ['is no YAML', () => 'keyferry: [1\n', /bad\.yaml:2:1: YAML: /],
    ['is empty', () => '', /bad\.yaml:1:1: the file is empty/],
    ['is a list', () => '- keyferry: 1\n', /bad\.yaml:1:1: must be a map/],
    ['says a key twice', edit('policy:', 'title: again\npolicy:'), /bad\.yaml:\d+:1: .*title/],
    ['has an unknown key', edit('policy:', 'polcy:'), /:1: polcy is not known here \(did you mean policy\?\)/],
    ['has a wrong type', edit('concurrency: 64', 'concurrency: many'), /:16: must be a whole number from 1 to/],
    ['has a number out of range', edit('concurrency: 64', 'concurrency: 0'), /:16: must be a whole number from 1 to/],
    [
      'has an unknown adapter',
      edit('luna-classic', 'luna-clasic'),
      /no adapter luna-clasic \(did you mean luna-classic\?\)/,
    ],
    [
      'has an unknown device',
      edit('do: cluster.gen', 'do: clutser.gen'),
      /no device clutser \(did you mean cluster\?\)/,
    ],
    [
      'has an unknown action',
      edit('cluster.unwrap-key', 'cluster.unwrap-keys'),
      /no action unwrap-keys \(did you mean unwrap-key\?\)/,
    ],
    [
      'has an unknown output',
      edit('steps.pair.private_key', 'steps.pair.privat_key'),
      /no output privat_key \(did you mean private_key\?\)/,
    ],
    [
      'writes an output with a hyphen',
      edit('steps.pair.private_key', 'steps.pair.private-key'),
      /did you mean private_key\?/,
    ],
    ['names a step that comes later', edit('steps.wrapper.key }}", mech', 'steps.arrived.key }}", mech'), /arrived/],
    ['lacks an argument', edit(', purpose: wrapping }', ' }'), /the argument purpose is missing/],
    ['has an unknown argument', edit('modulus-bits:', 'modulus-bit:'), /modulus-bit.*\(did you mean modulus-bits\?\)/],
    ['has CEL that does not parse', edit('where: key.class ==', 'where: key.class == =='), /bad\.yaml:24:\d+: /],
    [
      'compares what cannot be compared',
      edit('key.class == "secret"', 'key.class == 5'),
      /bad\.yaml:24:\d+: .*string == int/,
    ],
    ['names an unknown field', edit('key.label.', 'key.lable.'), /key has no field lable \(did you mean label\?\)/],
    ['names an unknown input', edit('inputs.prefix', 'inputs.prefx'), /prefx.*did you mean prefix\?/],
    [
      'leaves an expression unquoted',
      edit('"${{ inputs.wrapping_bits }}"', '${{ inputs.wrapping_bits }}'),
      /quote this expression/,
    ],
    ['is of a newer format', edit('keyferry: 1', 'keyferry: 2'), /bad\.yaml:8:\d+: /],
  ])('that %s', async (_name, change, says) => {
    write('bad.yaml', change(playbook));
    const found = await expectRefused(bench, ['plan', 'bad.yaml'], {
      exit: 2,
      code: 'playbook-invalid',
      says: new RegExp(`bad\\.yaml(.|\\n)*${says.source}|^The playbook bad.yaml has `),
    });
    const lines = (
      found.diagnostics as { file: string; line: number; column: number; message: string; hint?: string }[]
    ).map(({ file, line, column, message, hint = '' }) => `${file}:${line}:${column}: ${message} (${hint})`);
    expect(lines.filter((line) => says.test(line))).not.toEqual([]);
    expect((await runCli(['validate', 'bad.yaml'], { cwd: bench.dir })).stdout).toMatch(says);
  });

  test('is refused by run and graph as by plan', async () => {
    write('bad.yaml', 'keyferry: 1\n');
    for (const command of [['run', '--yes'], ['run', '--dry-run'], ['graph']])
      await expectRefused(bench, [...command, 'bad.yaml'], { exit: 2, code: 'playbook-invalid', says: /bad\.yaml/ });
  });

  test('that is not text', async () => {
    write('bad.yaml', Buffer.from([0x61, 0xfe, 0x00, 0x80]));
    await expectRefused(bench, ['plan', 'bad.yaml'], {
      exit: 2,
      code: 'playbook-invalid',
      says: /bad\.yaml.*not UTF-8/,
    });
  });

  test('that is not there, or a folder', async () => {
    await expectRefused(bench, ['plan', 'gone.yaml'], { exit: 2, code: 'file-unreadable', says: /gone\.yaml.*ENOENT/ });
    await expectRefused(bench, ['run', 'state', '--yes'], { exit: 2, code: 'file-unreadable', says: /state.*EISDIR/ });
  });
});

describe('a devices file with an error', () => {
  const CLUSTER = '  cluster: { adapter: cloudhsm, driver: simulated, state: state/cluster }\n';
  const classic = (settings: string): string => `devices:\n  classic: { ${settings} }\n${CLUSTER}`;
  test.each<[string, string, RegExp]>([
    ['is no YAML', 'devices: {\n', /bad-devices\.yaml:\d+:\d+: YAML/],
    ['has an unknown adapter', classic('adapter: luna, driver: simulated'), /:2:23: there is no adapter luna/],
    [
      'has an unknown driver',
      classic('adapter: luna-classic, driver: simulatd'),
      /no driver simulatd \(did you mean simulated\?\)/,
    ],
    [
      'has an unknown setting',
      classic('adapter: luna-classic, driver: simulated, stat: x'),
      /stat is not known here \(did you mean state\?\)/,
    ],
    [
      'has a wrong type',
      classic('adapter: luna-classic, driver: simulated, sessions: many'),
      /:2:\d+: must be a whole number/,
    ],
    ['lacks a setting', classic('adapter: luna-classic, driver: pkcs11, pin: { env: P }'), /module is missing/],
    [
      'holds a PIN',
      classic('adapter: luna-classic, driver: simulated, pin: "4711"'),
      /a secret may not stand in the devices file/,
    ],
  ])('that %s', async (_name, text, says) => {
    write('bad-devices.yaml', text);
    const options = {
      exit: 2,
      code: 'devices-invalid',
      says: new RegExp(`^The devices file \\S*bad-devices.yaml has |${says.source}`),
    };
    const found = await expectRefused(bench, ['plan', 'playbook.yaml', '-d', 'bad-devices.yaml'], options);
    const { stderr } = await runCli(['run', 'playbook.yaml', '--yes', '-d', 'bad-devices.yaml'], { cwd: bench.dir });
    expect(stderr).toMatch(says);
    expect(JSON.stringify(found)).not.toContain('4711');
  });

  test('without a device that the playbook needs, or with one of another kind', async () => {
    write('bad-devices.yaml', `devices:\n${CLUSTER.replace('cluster', 'klaster')}`);
    const plan = ['plan', 'playbook.yaml', '-d', 'bad-devices.yaml'];
    await expectRefused(bench, plan, {
      exit: 2,
      code: 'device-unknown',
      says: /bad-devices\.yaml has no device classic/,
    });
    write('bad-devices.yaml', classic('adapter: cloudhsm, driver: simulated'));
    await expectRefused(bench, plan, {
      exit: 2,
      code: 'device-unknown',
      says: /wants luna-classic as classic.*is cloudhsm/,
    });
    await expectRefused(bench, ['keys', 'clasic'], {
      exit: 2,
      code: 'device-unknown',
      says: /has no device "clasic"; it has: classic, cluster/,
      hint: /Did you mean classic\?/,
    });
  });

  test('that is not there', async () => {
    await expectRefused(bench, ['devices', '-d', 'gone.yaml'], {
      exit: 2,
      code: 'file-unreadable',
      says: /no devices file .*gone\.yaml/,
    });
  });

  test('that others can write, or whose folder they can write', async () => {
    mkdirSync(join(bench.dir, 'open'));
    for (const [path, mode, broken] of [
      ['open/devices.yaml', 0o622, 'open/devices.yaml'],
      ['open', 0o777, 'open'],
    ] as const) {
      write('open/devices.yaml', readFileSync(join(bench.dir, 'devices.yaml')));
      chmodSync(join(bench.dir, path), mode);
      await expectRefused(bench, ['plan', 'playbook.yaml', '-d', 'open/devices.yaml'], {
        exit: 2,
        code: 'file-unsafe',
        says: new RegExp(`${broken} can be written by others`),
      });
      chmodSync(join(bench.dir, path), 0o700);
    }
  });

  test.each<[string, string, string, RegExp]>([
    [
      'a variable that is not set',
      '{ env: NOT_SET }',
      'secret-unavailable',
      /Device classic, pin: .*NOT_SET is not set/,
    ],
    ['a file that is not there', '{ file: no-pin }', 'file-unreadable', /Device classic, pin: .*no-pin.*ENOENT/],
    [
      'a file that others can read',
      '{ file: open-pin }',
      'file-unsafe',
      /Device classic, pin: .*open-pin can be read by others/,
    ],
    ['an empty file', '{ file: empty-pin }', 'secret-unavailable', /Device classic, pin: .*empty-pin gave an empty/],
    [
      'a command that there is not',
      '{ command: [no-such-program] }',
      'secret-unavailable',
      /Device classic, pin: .*no-such-program was not found/,
    ],
    [
      'a command that fails',
      '{ command: ["false"] }',
      'secret-unavailable',
      /Device classic, pin: .*command false failed \(1\)/,
    ],
    [
      'a prompt without a terminal',
      '{ prompt: PIN of the old HSM }',
      'secret-unavailable',
      /Device classic, pin: .*there is no terminal/,
    ],
  ])('whose PIN is in %s', async (_name, pin, code, says) => {
    write('open-pin', 'secret\n', 0o600);
    chmodSync(join(bench.dir, 'open-pin'), 0o644);
    write('empty-pin', '\n');
    write('bad-devices.yaml', classic(`adapter: luna-classic, driver: simulated, state: state/classic, pin: ${pin}`));
    const refusal = { exit: 2, code, says, device: 'classic' };
    await expectRefused(bench, ['plan', 'playbook.yaml', '-d', 'bad-devices.yaml'], refusal);
  });
});

describe('a command line with an error', () => {
  test.each<[string, string[], string, RegExp, RegExp?]>([
    ['an unknown command', ['pln', 'playbook.yaml'], 'usage', /Unknown command 'pln'/, /Did you mean plan\?/],
    [
      'an unknown option',
      ['run', 'playbook.yaml', '--yess'],
      'usage',
      /Unknown option '--yess'/,
      /Did you mean --yes\?/,
    ],
    ['an unknown command like none', ['frobnicate'], 'usage', /'frobnicate'/, /--help/],
    ['no playbook', ['run', '--yes'], 'usage', /PLAYBOOK/, /--help/],
    ['an input without a value', ['plan', 'playbook.yaml', '-i', 'prefix'], 'usage', /'prefix'.*NAME=VALUE/],
    ['an input without a name', ['plan', 'playbook.yaml', '-i', '=x'], 'usage', /'=x'.*NAME=VALUE/],
    [
      'an unknown input',
      ['plan', 'playbook.yaml', '-i', 'prefx=x'],
      'input-invalid',
      /no input prefx \(did you mean prefix\?\)/,
    ],
    [
      'an input that is no number',
      ['plan', 'playbook.yaml', '-i', 'wrapping_bits=many'],
      'input-invalid',
      /wrapping_bits must be one of 2048, 3072, 4096/,
    ],
    [
      'an input that is not allowed',
      ['plan', 'playbook.yaml', '-i', 'wrapping_bits=1024'],
      'input-invalid',
      /wrapping_bits must be one of 2048, 3072, 4096/,
    ],
    [
      'an input that is not true or false',
      ['plan', 'playbook.yaml', '-i', 'extractable=yes'],
      'input-invalid',
      /extractable must be true or false/,
    ],
    [
      'a binding of an unknown role',
      ['plan', 'playbook.yaml', '--device', 'clasic=classic'],
      'device-unknown',
      /no device clasic \(did you mean classic\?\)/,
    ],
    [
      'a binding to an unknown device',
      ['plan', 'playbook.yaml', '--device', 'classic=clasic'],
      'device-unknown',
      /no device clasic \(did you mean classic\?\)/,
    ],
    [
      'a concurrency of none',
      ['run', 'playbook.yaml', '--yes', '--concurrency', '0'],
      'usage',
      /--concurrency.*'0'.*1 or more/,
    ],
    [
      'a concurrency below none',
      ['run', 'playbook.yaml', '--yes', '--concurrency=-1'],
      'usage',
      /--concurrency.*'-1'.*1 or more/,
    ],
    [
      'a condition with an error',
      ['keys', 'classic', '--where', 'key.lable == "x"'],
      'usage',
      /key has no field lable/,
    ],
    [
      'an unknown run',
      ['status', '20261122-101530-abc123'],
      'run-unknown',
      /no run "20261122-101530-abc123" in \S*\.keyferry/,
      /keyferry runs/,
    ],
    ['no run yet', ['report'], 'run-unknown', /no run in \S*\.keyferry/, /keyferry run PLAYBOOK/],
    ['nothing to resume', ['resume'], 'run-unknown', /No run in \S*\.keyferry is unfinished/],
  ])('%s', async (_name, args, code, says, hint) => {
    await expectRefused(bench, args, { exit: 2, code, says, ...(hint === undefined ? {} : { hint }) });
  });

  test('what is to be confirmed and has no terminal is not done, and the plan is shown', async () => {
    const refusal = {
      exit: 2,
      code: 'confirmation-required',
      says: /"Move 6 keys\?" needs an answer.*nothing was changed/,
      hint: /--yes/,
    };
    await expectRefused(bench, ['run', 'playbook.yaml'], refusal);
    expect((await runCli(['run', 'playbook.yaml'], { cwd: bench.dir })).stdout).toContain('6 items: 6 move');
    expect((await runCli(['runs', '--json'], { cwd: bench.dir })).stdout).toBe('{"runs":[]}\n');
  });
});
