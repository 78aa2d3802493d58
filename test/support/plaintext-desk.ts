/**
 * An operator's folder with simulated clusters, the playbooks as they are shipped, and a witness that reads keys from the simulators'
 * state files, past adapters and engine.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type CliResult, REPOSITORY, runCli } from './built-cli.ts';
import { keysOn, type SeenKey, siteAt } from './engine-site.ts';
import type { SimulatedKey } from './simulated-migration.ts';

export interface PlaintextDesk {
  readonly dir: string;
  run(...args: string[]): Promise<CliResult>;
  /** What `keys --json` shows: a process of its own. */
  keys(device: string): Promise<SimulatedKey[]>;
  /** What lies in the device's state files, bytes included. */
  seen(device: string): SeenKey[];
  /** Writes a file as a key custodian would, readable by the owner only. */
  keyFile(name: string, bytes: Uint8Array | string): string;
}

export const shipped = (playbook: string): string => join(REPOSITORY, 'playbooks', `${playbook}.yaml`);

/** Only inside of a test. `devices`: name → more settings, as YAML flow pairs. */
export function plaintextDesk(devices: Readonly<Record<string, string>>): PlaintextDesk {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-plaintext-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const lines = Object.entries(devices).map(
    ([name, more]) => `  ${name}: { adapter: cloudhsm, driver: simulated, state: state/${name}${more} }`,
  );
  writeFileSync(join(dir, 'devices.yaml'), ['devices:', ...lines, ''].join('\n'), { mode: 0o600 });
  mkdirSync(join(dir, 'keys'), { mode: 0o700 });
  const run = (...args: string[]) => runCli(args, { cwd: dir });
  return {
    dir,
    run,
    keys: async (device) => {
      const listed = await run('keys', device, '--json', '--home', join(dir, 'looking'));
      if (listed.code !== 0) throw new Error(listed.stderr);
      return (JSON.parse(listed.stdout) as { keys: SimulatedKey[] }).keys;
    },
    seen: (device) => keysOn({ ...siteAt(dir), state: () => join(dir, 'state', device) }, 'cluster'),
    keyFile: (name, bytes) => {
      const path = join(dir, 'keys', name);
      writeFileSync(path, bytes, { mode: 0o600 });
      return path;
    },
  };
}

/** Label, id, type and bytes: what has to be the same on both sides. */
export const materials = (keys: readonly SeenKey[], prefix = ''): string[] =>
  keys
    .filter(({ label }) => label.startsWith(prefix))
    .map(({ label, id, material }) => `${label}/${id}/${material}`)
    .sort();
