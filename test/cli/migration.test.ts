/** The commands one after another on simulated devices, as an operator types them. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type CliResult, lastJson, MAIN, runCli, startCli } from '../support/built-cli.ts';

// A command takes a second where two cores are shared with other tests.
vi.setConfig({ testTimeout: 180_000 });

const PLAYBOOK = 'classic-to-cloudhsm.yaml';

async function aFolder(count = 8): Promise<string> {
  const cwd = join(mkdtempSync(join(tmpdir(), 'keyferry-cli-')), 'work');
  expect((await runCli(['init', cwd], { cwd: tmpdir() })).code).toBe(0);
  const fill = [
    'simulator',
    'fill',
    'classic',
    '--count',
    String(count),
    '--prefix',
    'payments-',
    '--nonextractable-share',
    '0.25',
  ];
  expect(await runCli([...fill, '--json'], { cwd })).toMatchObject({
    code: 0,
    stdout: `{"device":"classic","made":${count}}\n`,
  });
  return cwd;
}
const errorCode = (result: CliResult): string => JSON.parse(result.stderr).error.code;

describe('a migration', () => {
  test('from init to prune', async () => {
    const cwd = await aFolder();
    const keyferry = (...args: string[]): Promise<CliResult> => runCli(args, { cwd });

    const plan = await keyferry('plan', PLAYBOOK, '--json', '--out', 'friday.plan');
    expect(plan.code).toBe(0);
    const planned = JSON.parse(plan.stdout);
    expect(planned.summary).toEqual({ total: 8, move: 6, skip: 2, block: 0, duplicate: 0 });
    expect(planned.devices.map((device: { trust: string }) => device.trust)).toEqual(['simulated', 'simulated']);

    const shown = await keyferry('plan', 'show', 'friday.plan');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('SIMULATED');
    expect(shown.stdout).toContain(planned.digest);

    expect(errorCode(await keyferry('run', 'friday.plan', '--json'))).toBe('confirmation-required');
    const pinned = await keyferry('run', 'friday.plan', '--yes', '--json', '--expect-digest', '00'.repeat(32));
    expect(pinned.code).toBe(3);
    expect(errorCode(pinned)).toBe('plan-digest');
    expect((await keyferry('runs', '--json')).stdout).toBe('{"runs":[]}\n');

    const run = await keyferry('run', 'friday.plan', '--yes', '--json', '--expect-digest', planned.digest);
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    const summary = { total: 8, migrated: 6, skipped: 2, failed: 0, pending: 0, needsAttention: 0 };
    const ended = lastJson(run);
    expect(ended).toMatchObject({ state: 'done', summary, leftovers: [] });

    const status = await keyferry('status', '--items', '--json');
    expect(lastJson(status)).toMatchObject({ run: ended.run, state: 'done', summary, leftovers: [] });
    const items = status.stdout
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(items).toHaveLength(8);
    for (const item of items) {
      expect(Object.keys(item)).toEqual([
        'key',
        'label',
        'state',
        'reason',
        'source',
        'target',
        'verification',
        'error',
      ]);
      if (item.state !== 'migrated') continue;
      expect(item.target.kcv).toBe(item.source.kcv);
      expect(item.verification).toMatchObject({ strength: 'strong', result: 'same' });
    }

    const keys = JSON.parse(
      (await keyferry('keys', 'cluster', '--json', '--where', 'key.label.startsWith("payments-")')).stdout,
    ).keys;
    expect(keys).toHaveLength(6);
    expect(keys[0]).toMatchObject({
      class: 'secret',
      exportable: false,
      attributes: { extractable: false, sensitive: true },
    });

    expect(JSON.parse((await keyferry('verify', '--json')).stdout).summary).toEqual({
      same: 6,
      different: 0,
      notCompared: 0,
    });
    expect((await keyferry('report', '--format', 'csv')).stdout.split('\r\n')).toHaveLength(10);
    expect(JSON.parse((await keyferry('report', '--format', 'json')).stdout)).toMatchObject({
      run: ended.run,
      summary,
    });

    const again = await keyferry('run', PLAYBOOK, '--dry-run', '--json');
    expect(JSON.parse(again.stdout).summary).toMatchObject({ move: 0, duplicate: 6 });

    expect(await keyferry('runs', 'prune', '--keep', '1', '--yes', '--json')).toMatchObject({
      code: 0,
      stdout: '{"pruned":[]}\n',
    });
  });

  test('a second init, an altered plan, wrong inputs and a finished run are refused by name', async () => {
    const cwd = await aFolder(2);
    const before = readFileSync(join(cwd, 'devices.yaml'));
    const keyferry = (...args: string[]): Promise<CliResult> => runCli([...args, '--json'], { cwd });
    const init = await keyferry('init', '.');
    expect([init.code, errorCode(init)]).toEqual([2, 'usage']);
    expect(readFileSync(join(cwd, 'devices.yaml'))).toEqual(before);

    await keyferry('plan', PLAYBOOK, '--out', 'a.plan');
    writeFileSync(
      join(cwd, 'b.plan'),
      readFileSync(join(cwd, 'a.plan'), 'utf8').replace('payments-0001', 'payments-0009'),
    );
    for (const args of [
      ['run', 'b.plan', '--yes'],
      ['plan', 'show', 'b.plan'],
    ]) {
      const result = await keyferry(...args);
      expect([result.code, errorCode(result)]).toEqual([3, 'plan-altered']);
    }
    expect(errorCode(await keyferry('run', 'a.plan', '--yes', '-i', 'prefix=other-'))).toBe('input-invalid');
    expect(errorCode(await keyferry('plan', PLAYBOOK, '-i', 'prefx=other-'))).toBe('input-invalid');
    expect(errorCode(await keyferry('plan', PLAYBOOK, '--device', 'clasic=classic'))).toBe('device-unknown');

    const { run } = lastJson(await keyferry('run', PLAYBOOK, '--yes'));
    for (const command of ['resume', 'retry', 'cancel']) {
      const result = await keyferry(command, String(run), ...(command === 'resume' ? [] : ['--yes']));
      expect([command, result.code, errorCode(result)]).toEqual([command, 2, 'run-finished']);
    }
  });

  test('a devices file that others can write is refused', async () => {
    const cwd = await aFolder(1);
    chmodSync(join(cwd, 'devices.yaml'), 0o666);
    const result = await runCli(['devices', '--json'], { cwd });
    expect([result.code, errorCode(result)]).toEqual([2, 'file-unsafe']);
  });

  test('what init writes is safe whatever the umask', async () => {
    const cwd = join(mkdtempSync(join(tmpdir(), 'keyferry-cli-')), 'work');
    expect(spawnSync('bash', ['-c', `umask 000; node '${MAIN}' init '${cwd}'`]).status).toBe(0);
    expect(statSync(join(cwd, 'devices.yaml')).mode & 0o777).toBe(0o644);
    expect((await runCli(['devices', '--json'], { cwd })).code).toBe(0);
  });
});

describe('an interruption', () => {
  test('Ctrl-C lets the calls in flight finish, exits 130, and resume ends the run', async () => {
    const cwd = await aFolder(600);
    const { child, result } = startCli(['run', PLAYBOOK, '--yes'], { cwd });
    let said = '';
    child.stderr?.on('data', (text: string) => {
      if (!said.includes('Moving keys') && (said + text).includes('Moving keys')) child.kill('SIGINT');
      said += text;
    });
    const interrupted = await result;
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain('finishing the calls in flight');
    const status = lastJson(await runCli(['status', '--json'], { cwd }));
    expect(status).toMatchObject({ state: 'paused' });
    const resumed = await runCli(['resume', '--json'], { cwd });
    expect(resumed.code).toBe(0);
    expect(lastJson(resumed)).toMatchObject({
      run: status.run,
      state: 'done',
      summary: { total: 600, migrated: 450, skipped: 150, failed: 0, pending: 0, needsAttention: 0 },
    });
  });

  test('a second process is told who holds the run, and cancel asks the owner, stopped as it is', async () => {
    const cwd = await aFolder(1_500);
    const { child, result } = startCli(['run', PLAYBOOK, '--yes'], { cwd });
    let said = '';
    let isStopped = false;
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: string) => {
        said += text;
        if (!said.includes('Moving keys') || isStopped) return;
        isStopped = true;
        child.kill('SIGSTOP');
        resolve();
      });
    });
    const [{ run }] = JSON.parse((await runCli(['runs', '--json'], { cwd })).stdout).runs;
    const held = await runCli(['resume', run, '--json'], { cwd });
    expect([held.code, errorCode(held)]).toEqual([6, 'run-held']);
    const asked = await runCli(['cancel', run, '--yes', '--json'], { cwd });
    expect(asked).toMatchObject({ code: 0, stdout: `{"run":"${run}","cancel":"requested"}\n` });
    child.kill('SIGCONT');
    await result;
    const status = lastJson(await runCli(['status', run, '--json'], { cwd }));
    expect(status).toMatchObject({ run, state: 'cancelled', leftovers: [] });
  });
});

test('a reader that goes away ends the command quietly', async () => {
  const cwd = await aFolder(400);
  const piped = spawnSync('bash', ['-c', `node '${MAIN}' keys classic --json | head -1; echo "\${PIPESTATUS[0]}"`], {
    cwd,
  });
  expect(piped.stderr.toString()).toBe('');
  expect(piped.stdout.toString().trimEnd().split('\n').at(-1)).toBe('0');
});

test('fill refuses a real device without opening it', async () => {
  const cwd = await aFolder(1);
  const devices =
    'devices:\n  real: { adapter: luna-classic, driver: pkcs11, module: /nowhere.so, token: t, pin: { env: PIN } }\n';
  writeFileSync(join(cwd, 'real.yaml'), devices, { mode: 0o600 });
  const result = await runCli(['simulator', 'fill', 'real', '--count', '1', '-d', 'real.yaml', '--json'], { cwd });
  expect([result.code, errorCode(result)]).toEqual([2, 'not-simulated']);
});
