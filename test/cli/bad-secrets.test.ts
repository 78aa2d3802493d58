/** Secrets in the wrong place, or in one that gives none: refused with a message that does not have the secret in it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { REPOSITORY } from '../support/built-cli.ts';
import { CanaryDesk } from '../support/canary-desk.ts';
import { CanarySearch, text } from '../support/canary-search.ts';

vi.setConfig({ testTimeout: 120_000 });

const SECRET = 'Kf7-source-PIN-xk29';
const OTHER_SECRET = 'Kf8-target-PIN-wq51';
const search = new CanarySearch(
  Object.entries({ SECRET, OTHER_SECRET }).map(([name, value]) => ({ name, bytes: Buffer.from(value.slice(0, 8)) })),
);
const PLAYBOOK = readFileSync(join(REPOSITORY, 'playbooks/classic-to-cloudhsm.yaml'), 'utf8');

describe('where a secret is given wrongly, the message is without it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-canary-'));
  const desk = new CanaryDesk(dir);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  /** The operator's own words, where a secret stands already. */
  const kept: string[] = [];

  test.each([
    ['in clear', `${SECRET}`],
    ['in clear, quoted', `"${SECRET}"`],
    ['in clear as env', `{ env: ${SECRET} }`],
    ['in clear under a name of its own', `{ value: ${SECRET} }`],
    ['in clear as a key', `{ ${SECRET}: env }`],
    ['in clear in a list', `[ ${SECRET} ]`],
    ['in clear as a command', `{ command: ${SECRET} }`],
    ['beside a reference', `{ env: PIN, value: ${SECRET} }`],
    ['with a tag', `!secret ${SECRET}`],
    ['with an anchor', `&pin ${SECRET}`],
    ['in broken YAML', `{ env: ${SECRET}`],
    ['in an unended string', `"${SECRET}`],
  ])('%s in the devices file', async (name, pin) => {
    const file = `${name.replaceAll(/\W/g, '-')}.yaml`;
    kept.push(file);
    writeFileSync(
      join(dir, file),
      `devices:\n  classic:\n    adapter: luna-classic\n    driver: simulated\n    pin: ${pin}\n`,
      { mode: 0o600 },
    );
    for (const json of [[], ['--json']]) {
      const result = await desk.run(['devices', '-d', file, ...json]);
      expect([result.code, result.stdout]).toEqual([2, '']);
      expect(result.stderr).toContain('devices-invalid');
    }
    expect(search.in(desk.everything(kept))).toEqual([]);
  });

  test('a secret command that fails and prints the secret', async () => {
    writeFileSync(join(dir, 'tell.sh'), `echo ${SECRET} >&2; echo ${SECRET}; exit 3\n`);
    writeFileSync(
      join(dir, 'failing.yaml'),
      'devices:\n  classic: { adapter: luna-classic, driver: simulated, pin: { command: [sh, tell.sh] } }\n',
      { mode: 0o600 },
    );
    const result = await desk.run(['devices', '-d', 'failing.yaml', '--json']);
    expect([result.code, JSON.parse(result.stdout).devices[0].error.code]).toEqual([2, 'secret-unavailable']);
    expect(search.in(desk.everything([...kept, 'tell.sh']))).toEqual([]);
  });

  test('a secret file that others can read', async () => {
    writeFileSync(join(dir, 'open-pin'), `${SECRET}\n`);
    chmodSync(join(dir, 'open-pin'), 0o644);
    writeFileSync(
      join(dir, 'open.yaml'),
      'devices:\n  classic: { adapter: luna-classic, driver: simulated, pin: { file: open-pin } }\n',
      { mode: 0o600 },
    );
    const result = await desk.run(['keys', 'classic', '-d', 'open.yaml', '--json']);
    expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([2, 'file-unsafe']);
    expect(search.in(desk.everything([...kept, 'tell.sh', 'open-pin']))).toEqual([]);
  });

  test('a secret input as its value, and one that is given rightly', async () => {
    const inputs = 'inputs:\n  token: { type: secret }\n';
    writeFileSync(join(dir, 'playbook.yaml'), PLAYBOOK.replace(/^inputs:\n/m, inputs));
    const states = ['classic: { adapter: luna-classic', 'cluster: { adapter: cloudhsm'];
    const lines = states.map((start, at) => `  ${start}, driver: simulated, state: state/${at} }\n`);
    writeFileSync(join(dir, 'devices.yaml'), `devices:\n${lines.join('')}`, { mode: 0o600 });
    const own = new CanaryDesk(dir, { TOKEN: OTHER_SECRET });
    const wrong = await own.run(['plan', 'playbook.yaml', '-i', `token=${SECRET}`, '--json']);
    expect([wrong.code, JSON.parse(wrong.stderr).error.code]).toEqual([2, 'input-invalid']);
    expect(search.in([text('stderr', wrong.stderr), text('stdout', wrong.stdout)])).toEqual([]);
    const right = new CanaryDesk(dir, { TOKEN: OTHER_SECRET });
    const fill = await right.run(['simulator', 'fill', 'classic', '--count', '2', '--prefix', 'payments-']);
    expect(fill.code, fill.stderr).toBe(0);
    const run = await right.run(['run', 'playbook.yaml', '-i', 'token=env:TOKEN', '--yes']);
    expect(run.code, run.stderr).toBe(0);
    expect(search.in(right.everything([...kept, 'tell.sh', 'open-pin', 'state']))).toEqual([]);
  });
});
