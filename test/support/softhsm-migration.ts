/** A migration between two SoftHSM tokens for the real command line: a folder with devices file, playbook and environment. */
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from './built-cli.ts';
import { makeSoftHsmToken, SOFTHSM_MODULE, useSoftHsm } from './softhsm.ts';
import { TokenWitness } from './token-witness.ts';

export const SOURCE_PIN = 'src-pin-48151623';
export const TARGET_PIN = 'dst-pin-42108151';

export interface SoftHsmMigration {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly source: TokenWitness;
  readonly target: TokenWitness;
  /** Witnesses opened anew: SoftHSM shows what other processes did to a new session. */
  reopen(): { readonly source: TokenWitness; readonly target: TokenWitness };
}

export function softHsmMigration(): SoftHsmMigration {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-migration-'));
  const tokens = join(dir, 'softhsm');
  const source = makeSoftHsmToken({ dir: tokens, label: 'old-hsm', pin: SOURCE_PIN });
  makeSoftHsmToken({ dir: tokens, label: 'new-hsm', pin: TARGET_PIN });
  useSoftHsm(source);
  writeFileSync(
    join(dir, 'devices.yaml'),
    [
      'devices:',
      `  classic: { adapter: luna-classic, driver: pkcs11, module: ${SOFTHSM_MODULE}, token: old-hsm, pin: { env: SOURCE_PIN } }`,
      `  cluster: { adapter: cloudhsm, driver: pkcs11, module: ${SOFTHSM_MODULE}, token: new-hsm, pin: { env: TARGET_PIN } }`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  copyFileSync(join(REPOSITORY, 'playbooks/classic-to-cloudhsm.yaml'), join(dir, 'playbook.yaml'));
  const reopen = () => ({
    source: new TokenWitness(SOFTHSM_MODULE, 'old-hsm', SOURCE_PIN),
    target: new TokenWitness(SOFTHSM_MODULE, 'new-hsm', TARGET_PIN),
  });
  return { dir, env: { SOFTHSM2_CONF: source.conf, SOURCE_PIN, TARGET_PIN }, ...reopen(), reopen };
}
