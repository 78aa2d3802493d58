import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, runCli } from '../support/built-cli.ts';

const COMMANDS = [
  'demo',
  'init',
  'devices',
  'keys',
  'validate',
  'graph',
  'plan',
  'plan show',
  'run',
  'resume',
  'retry',
  'cancel',
  'status',
  'runs',
  'runs prune',
  'verify',
  'report',
  'runbook',
  'console',
  'simulator fill',
  'completion',
];

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'keyferry-usage-'));
});
const keyferry = (...args: string[]): Promise<CliResult> => runCli(args, { cwd });
const errorOf = (
  result: CliResult,
): { code: string; message: string; device: unknown; outcome: string; hint: string } => JSON.parse(result.stderr).error;

describe('help', () => {
  test('lists every command, with the exit codes', async () => {
    const { code, stdout, stderr } = await keyferry('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
    expect(stdout).toContain('Exit codes: 0 done');
  });

  test.each(COMMANDS)('of %s ends with an example', async (command) => {
    const { code, stdout } = await keyferry(...command.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('--devices <FILE>');
    expect(stdout.slice(stdout.indexOf('\nExample:\n'))).toMatch(/^\nExample:\n {2}(keyferry|source|cd) /);
  });

  test('is the same by name', async () => {
    const [byName, byOption] = await Promise.all([keyferry('help', 'run'), keyferry('run', '--help')]);
    expect(byName.code).toBe(0);
    expect(byName.stdout).toBe(byOption.stdout);
  });

  test('without any command goes to stderr and is a usage error', async () => {
    const { code, stdout, stderr } = await keyferry();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: keyferry');
  });

  test('the version is the package’s', async () => {
    expect((await keyferry('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a mistake on the command line', () => {
  test.each([
    ['a mistyped command', ['plna'], 'Did you mean plan?'],
    ['a mistyped option', ['plan', 'x.yaml', '--jsno'], 'Did you mean --json?'],
    ['a missing argument', ['run'], 'Run the command with --help.'],
    ['a word too many', ['runs', 'purne'], 'Run the command with --help.'],
    ['a format that there is not', ['report', '--format', 'html'], 'Run the command with --help.'],
    ['an input without a value', ['plan', 'x.yaml', '-i', 'bits'], 'Run the command with --help.'],
    ['no number', ['run', 'x.yaml', '--concurrency', 'many'], 'Run the command with --help.'],
    ['a number of none', ['run', 'x.yaml', '--concurrency', '0'], 'Run the command with --help.'],
    [
      'a share above one',
      ['simulator', 'fill', 'x', '--count', '1', '--nonextractable-share', '2'],
      'Run the command with --help.',
    ],
    [
      '--out of a run',
      ['run', 'devices.yaml', '--out', 'x.plan'],
      'Write the plan first: keyferry plan PLAYBOOK --out FILE',
    ],
  ])('%s: exit 2, one JSON object, a hint', async (_name, args, hint) => {
    await writeFile(join(cwd, 'devices.yaml'), 'devices: {}\n', { mode: 0o600 });
    const result = await keyferry(...args, '--json');
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 2, stdout: '' });
    expect(errorOf(result)).toMatchObject({ code: 'usage', device: null, outcome: 'not-applied', hint });
  });

  test('is told to people without a stack', async () => {
    const { code, stderr } = await keyferry('plna');
    expect(code).toBe(2);
    expect(stderr).toBe("Error: Unknown command 'plna' [usage]\n  Next: Did you mean plan?\n");
  });

  test('is coloured when asked, and only then', async () => {
    expect((await runCli(['plna'], { cwd, env: { NO_COLOR: '', FORCE_COLOR: '1' } })).stderr).toContain(
      '\u001b[31mError:',
    );
    expect((await keyferry('plna')).stderr).not.toContain('\u001b');
  });
});

describe('a file that is not there or wrong', () => {
  test.each([
    ['plan', ['plan', 'nowhere.yaml'], 2, 'file-unreadable'],
    ['run', ['run', 'nowhere.yaml', '--yes'], 2, 'file-unreadable'],
    ['plan show', ['plan', 'show', 'nowhere.plan'], 2, 'file-unreadable'],
    ['keys', ['keys', 'x', '-d', 'nowhere.yaml'], 2, 'file-unreadable'],
    ['status', ['status'], 2, 'run-unknown'],
    ['status of a run', ['status', '20261122-101530-abc123'], 2, 'run-unknown'],
    ['a run outside the home folder', ['status', '../../etc'], 2, 'run-unknown'],
    ['resume', ['resume'], 2, 'run-unknown'],
  ])('%s', async (_name, args, code, error) => {
    const result = await keyferry(...args, '--json');
    expect(result.code).toBe(code);
    expect(errorOf(result).code).toBe(error);
  });

  test('an unknown device gets the nearest name', async () => {
    await writeFile(join(cwd, 'near.yaml'), 'devices: {}\n', { mode: 0o600 });
    const result = await keyferry('keys', 'classic', '-d', 'near.yaml', '--json');
    expect(result.code).toBe(2);
    expect(errorOf(result).code).toBe('device-unknown');
  });

  test('validate lists every problem of every playbook with its place', async () => {
    await writeFile(join(cwd, 'bad.yaml'), 'keyferry: 1\nplaybok: x\ndevices: { verify: nothing }\n');
    const human = await keyferry('validate', 'bad.yaml');
    expect(human.code).toBe(2);
    expect(human.stdout.match(/^ {2}bad\.yaml:\d+:\d+: /gm)?.length).toBeGreaterThan(1);
    const json = await keyferry('validate', 'bad.yaml', 'nowhere.yaml', '--json');
    expect(json.code).toBe(2);
    const { valid, playbooks } = JSON.parse(json.stdout);
    expect(valid).toBe(false);
    expect(playbooks.map(({ code }: { code: string }) => code)).toEqual(['playbook-invalid', 'file-unreadable']);
    expect(playbooks[0].problems[0]).toMatchObject({
      file: 'bad.yaml',
      line: expect.any(Number),
      column: expect.any(Number),
    });
  });

  test('plan and run give the diagnostics too', async () => {
    const result = await keyferry('plan', 'bad.yaml', '--json');
    expect(result.code).toBe(2);
    expect(JSON.parse(result.stderr).error.diagnostics.length).toBeGreaterThan(1);
  });
});

describe('what needs a confirmation and has no terminal', () => {
  test('demo makes no folder', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'keyferry-usage-'));
    const result = await runCli(['demo', '--json'], { cwd: empty });
    expect(result.code).toBe(2);
    expect(errorOf(result).code).toBe('confirmation-required');
    expect(await readdir(empty)).toEqual([]);
  });
});
