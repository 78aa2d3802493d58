/** A migration between two simulated devices for the real command line: devices file, playbook, keys to move. */
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY, runCli } from './built-cli.ts';

export interface SimulatedKey {
  readonly label: string;
  readonly id: string;
  readonly class: string;
  readonly type: string;
  readonly bits: number;
  readonly kcv: string | null;
  readonly attributes: Readonly<Record<string, boolean>>;
}

export interface SimulatedOptions {
  readonly count: number;
  readonly nonextractableShare?: number;
  readonly type?: string;
  /** More settings of the two devices, as YAML flow pairs: `faults: […]`. */
  readonly classic?: string;
  readonly cluster?: string;
  /** Lines of the playbook, changed. */
  readonly edit?: (playbook: string) => string;
}

export interface SimulatedMigration {
  readonly dir: string;
  keys(device: 'classic' | 'cluster'): Promise<SimulatedKey[]>;
  /** Writes the devices file anew, with other settings. */
  devices(options: { readonly classic?: string; readonly cluster?: string }): void;
}

export async function simulatedMigration(options: SimulatedOptions): Promise<SimulatedMigration> {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-simulated-'));
  const devices: SimulatedMigration['devices'] = ({ classic = '', cluster = '' }) => {
    const text = [
      'devices:',
      `  classic: { adapter: luna-classic, driver: simulated, state: state/classic${classic === '' ? '' : `, ${classic}`} }`,
      `  cluster: { adapter: cloudhsm, driver: simulated, state: state/cluster${cluster === '' ? '' : `, ${cluster}`} }`,
      '',
    ].join('\n');
    writeFileSync(join(dir, 'devices.yaml'), text, { mode: 0o600 });
  };
  devices({});
  const playbook = await import('node:fs').then(({ readFileSync }) =>
    readFileSync(join(REPOSITORY, 'playbooks/classic-to-cloudhsm.yaml'), 'utf8'),
  );
  writeFileSync(join(dir, 'playbook.yaml'), (options.edit ?? ((text) => text))(playbook));
  const share = ['--nonextractable-share', String(options.nonextractableShare ?? 0)];
  const fill = ['simulator', 'fill', 'classic', '--count', String(options.count), '--prefix', 'payments-', ...share];
  const filled = await runCli([...fill, '--type', options.type ?? 'aes-256'], { cwd: dir });
  if (filled.code !== 0) throw new Error(filled.stderr);
  devices({
    ...(options.classic === undefined ? {} : { classic: options.classic }),
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
  });
  return {
    dir,
    devices,
    keys: async (device) => {
      const listed = await runCli(['keys', device, '--json', '--home', join(dir, 'looking')], { cwd: dir });
      if (listed.code !== 0) throw new Error(listed.stderr);
      return (JSON.parse(listed.stdout) as { keys: SimulatedKey[] }).keys;
    },
  };
}

/** Copies the home folder, as a backup would. */
export function copyHome(migration: Pick<SimulatedMigration, 'dir'>, from: string, to: string): void {
  cpSync(join(migration.dir, from), join(migration.dir, to), { recursive: true });
}

export const keyName = (key: SimulatedKey): string =>
  `${key.class}/${key.type}/${key.bits}/${key.label}/${key.id}/${key.kcv}`;
