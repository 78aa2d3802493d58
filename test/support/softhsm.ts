/**
 * SoftHSM 2.6.1 tokens for tests: a configuration of its own in a folder of its own, one token per folder.
 * SoftHSM reads SOFTHSM2_CONF from the environment when the module is initialised: `useSoftHsm` sets it for this process, so call it
 * before anything loads the module, and use one token folder per process. A child process gets it in its `env`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SOFTHSM_MODULE = '/usr/lib/softhsm/libsofthsm2.so';

export interface SoftHsmToken {
  /** Path of softhsm2.conf: the value of SOFTHSM2_CONF. */
  readonly conf: string;
  /** Path of the PKCS#11 module. */
  readonly module: string;
  /** Label of the token; its slot number is random. */
  readonly token: string;
  readonly pin: string;
  readonly soPin: string;
  readonly dir: string;
}

export interface SoftHsmOptions {
  readonly label?: string;
  readonly pin?: string;
  readonly soPin?: string;
  /** Folder for configuration and tokens; a new temporary one when absent. Several calls with one folder add tokens to it. */
  readonly dir?: string;
}

export function makeSoftHsmToken(options: SoftHsmOptions = {}): SoftHsmToken {
  if (!existsSync(SOFTHSM_MODULE))
    throw new Error(`SoftHSM is not installed: ${SOFTHSM_MODULE} is missing (apt-get install softhsm2)`);
  const { label = 'classic', pin = '1234', soPin = '12345678' } = options;
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'keyferry-softhsm-'));
  const tokens = join(dir, 'tokens');
  mkdirSync(tokens, { recursive: true, mode: 0o700 });
  const conf = join(dir, 'softhsm2.conf');
  writeFileSync(
    conf,
    `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`,
  );
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--so-pin', soPin, '--pin', pin], {
    env: { ...process.env, SOFTHSM2_CONF: conf },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { conf, module: SOFTHSM_MODULE, token: label, pin, soPin, dir };
}

/** Points this process (main thread) at the token's configuration. */
export function useSoftHsm(token: SoftHsmToken): void {
  process.env.SOFTHSM2_CONF = token.conf;
}
