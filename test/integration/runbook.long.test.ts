/** A runbook, carried out in the consoles, leaves the keys that a run of the same playbook leaves on a copy of the same clusters. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliResult, lastJson, runCli } from '../support/built-cli.ts';
import { shipped } from '../support/plaintext-desk.ts';
import { playRunbook, runbookOf } from '../support/runbook-desk.ts';

interface Desk {
  readonly dir: string;
  run(...args: string[]): Promise<CliResult>;
  done(...args: string[]): Promise<string>;
}

interface Key {
  readonly label: string;
  readonly [field: string]: unknown;
}

function aDesk(): Desk {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-runbook-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const device = (name: string) =>
    `  ${name}: { adapter: cloudhsm, driver: simulated, state: state/${name}, nodes: 2 }`;
  writeFileSync(join(dir, 'devices.yaml'), ['devices:', device('old'), device('new'), ''].join('\n'), { mode: 0o600 });
  const run = (...args: string[]) => runCli(args, { cwd: dir });
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, `${args.join(' ')}\n${stderr}\n${stdout}`).toBe(0);
    return stdout;
  };
  return { dir, run, done };
}

async function aFilledDesk(): Promise<Desk> {
  const desk = aDesk();
  const fill = ['simulator', 'fill', 'old', '--count'];
  await desk.done(...fill, '3', '--prefix', 'payments-', '--nonextractable-share', '0.34');
  await desk.done(...fill, '1', '--prefix', 'payments-des-', '--type', 'des3');
  await desk.done(...fill, '1', '--prefix', 'other-');
  return desk;
}

function copyOf(desk: Desk): Desk {
  const copy = aDesk();
  cpSync(join(desk.dir, 'state'), join(copy.dir, 'state'), { recursive: true });
  return copy;
}

/** Handles differ, and so do the salts of fingerprints. */
async function keysOn(desk: Desk, device: string): Promise<Key[]> {
  const { keys } = JSON.parse(await desk.done('keys', device, '--json')) as { keys: Key[] };
  return keys
    .map(({ handle: _handle, ...key }) => key as Key)
    .sort((a, b) => JSON.stringify([a.label, a.id]).localeCompare(JSON.stringify([b.label, b.id])));
}

interface Part {
  readonly number: number;
  readonly device: string;
  readonly tool: string;
}

async function partsIn(desk: Desk): Promise<Part[]> {
  return (JSON.parse(await desk.done('runbook', 'day.plan', '--json')) as { parts: Part[] }).parts;
}

const FILLED = [
  ['<crypto user> :=', '<crypto user> := crypto_user'],
  ['<password> :=', '<password> := simulated-password'],
] as const;

async function scriptOf(desk: Desk, { number, tool }: Part): Promise<string> {
  const script = await desk.done('runbook', 'day.plan', '--script', tool, '--part', String(number));
  return FILLED.reduce((text, [blank, filled]) => {
    expect(text).toContain(`${blank}\n`);
    return text.replace(`${blank}\n`, `${filled}\n`);
  }, script);
}

async function play(desk: Desk, part: Part, script: string): Promise<CliResult> {
  const path = join(desk.dir, `part-${part.number}.txt`);
  writeFileSync(path, script);
  return await desk.run('console', part.tool, '--device', part.device, '--script', path);
}

describe('a runbook in the consoles', () => {
  it('leaves the keys that the run leaves', async () => {
    const ceremony = await aFilledDesk();
    const automatic = copyOf(ceremony);
    const before = await keysOn(ceremony, 'old');

    const run = await automatic.run('run', shipped('cluster-to-cluster'), '--yes', '--json');
    expect(lastJson(run), run.stderr).toMatchObject({ state: 'done', summary: { migrated: 3, skipped: 1 } });

    await ceremony.done('plan', shipped('cluster-to-cluster'), '--out', 'day.plan');
    const cluster = (name: string) =>
      ({ adapter: 'cloudhsm', values: { nodes: 2, state: join(ceremony.dir, 'state', name) } }) as const;
    const parts = await playRunbook(await runbookOf(join(ceremony.dir, 'day.plan')), {
      dir: ceremony.dir,
      devices: { old: cluster('old'), new: cluster('new') },
      filled: () => ({ 'crypto user': 'crypto_user', password: 'simulated-password' }),
    });
    expect(new Set(parts.map(({ tool }) => tool))).toEqual(new Set(['key_mgmt_util', 'cloudhsm-cli']));
    for (const { number, shown, wasMisused } of parts) {
      // A refusal of the HSM ends no script, so it is looked for.
      expect(wasMisused, `${number}\n${shown}`).toBe(false);
      expect(shown).not.toMatch(/was refused|HSM Error|nothing was done|"error_code": 1/i);
      expect(shown).not.toContain('simulated-password');
    }

    const arrived = await keysOn(ceremony, 'new');
    expect(arrived.map(({ label }) => label)).toEqual(['payments-0001', 'payments-0002', 'payments-des-0001']);
    expect(arrived).toEqual(await keysOn(automatic, 'new'));
    expect(await keysOn(ceremony, 'old')).toEqual(before);
    expect(await keysOn(automatic, 'old')).toEqual(before);

    // What the runbook says to look at is as it says: every file of a check value on the target holds the source's.
    const text = await ceremony.done('runbook', 'day.plan');
    const checks = [...text.matchAll(/-out (\S+-target\.txt)\n\nCheck: the file holds (0x[0-9a-f]{6}),/g)];
    expect(checks).toHaveLength(3);
    for (const [, file = '', value = ''] of checks)
      expect(readFileSync(join(ceremony.dir, file), 'utf8')).toContain(value);
  }, 300_000);

  it('ends where a handle is not to be had, and does nothing after it', async () => {
    const desk = await aFilledDesk();
    await desk.done('plan', shipped('cluster-to-cluster'), '--out', 'day.plan');
    const onOld = (await partsIn(desk)).filter(({ device, tool }) => device === 'old' && tool === 'key_mgmt_util');
    const [imports] = onOld;
    const wraps = onOld.find((part) => JSON.stringify(part).includes('wrapKey -k'));
    if (imports === undefined || wraps === undefined) throw new Error('the runbook has too few parts');
    // The parts before were never done, so there is no public key to bring over, and nothing to wrap under.
    const first = await play(desk, imports, await scriptOf(desk, imports));
    expect(first.stdout).toContain('could not be read (ENOENT)');
    const played = await play(desk, wraps, await scriptOf(desk, wraps));
    expect(played.code).not.toBe(0);
    expect(played.stderr).toContain('[key-not-found]');
    expect(played.stdout).not.toContain('wrapKey');
  }, 120_000);

  it('runs no line whose blanks nobody filled', async () => {
    const desk = await aFilledDesk();
    await desk.done('plan', shipped('cluster-to-cluster'), '--out', 'day.plan');
    const [first] = await partsIn(desk);
    if (first === undefined) throw new Error('the runbook has no part');
    const played = await play(
      desk,
      first,
      await desk.done('runbook', 'day.plan', '--script', first.tool, '--part', '1'),
    );
    expect(played.code).toBe(2);
    expect(played.stderr).toContain('The script leaves <crypto user> open.');
    expect(await keysOn(desk, 'new')).toEqual([]);
  }, 120_000);

  it('asks which part, names the tools it has, and wants a plan', async () => {
    const desk = await aFilledDesk();
    await desk.done('plan', shipped('cluster-to-cluster'), '--out', 'day.plan');
    const several = await desk.run('runbook', 'day.plan', '--script', 'key_mgmt_util');
    expect(several).toMatchObject({ code: 2, stdout: '' });
    expect(several.stderr).toMatch(/: 1 \(new\), \d+ \((?:new|old)\), /);
    const unknown = await desk.run('runbook', 'day.plan', '--script', 'key_mgmt');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('It has parts for key_mgmt_util, cloudhsm-cli.');
    expect((await desk.run('runbook', 'day.plan', '--script', 'key_mgmt_util', '--part', '99')).code).toBe(2);
    expect((await desk.run('runbook', 'day.plan', '--part', '1')).code).toBe(2);
    expect((await desk.run('runbook', shipped('cluster-to-cluster'))).stderr).toContain('[plan-format]');
  }, 120_000);
});
