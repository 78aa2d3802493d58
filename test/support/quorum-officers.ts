/** Officers with keys of their own, whose signatures the openssl program makes, as at a ceremony. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Ceremony {
  readonly folder: string;
  readonly tokenFile: string;
  /** Officer → PEM file of the public key. */
  readonly officers: Readonly<Record<string, string>>;
  /** As the run tells the officer to. */
  sign(officer: string, data: string, signature: string): void;
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: 'ignore' });
};

/** Only inside of a test. */
export function aCeremony(names: readonly string[] = ['officer1', 'officer2', 'admin']): Ceremony {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-quorum-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const officers: Record<string, string> = {};
  for (const name of names) {
    const key = join(folder, `${name}.key`);
    const publicKey = join(folder, `${name}.pem`);
    openssl('genrsa', '-out', key, '2048');
    openssl('rsa', '-in', key, '-pubout', '-out', publicKey);
    officers[name] = publicKey;
  }
  return {
    folder,
    tokenFile: join(folder, 'user.token'),
    officers,
    sign: (officer, data, signature) =>
      openssl('dgst', '-sha256', '-sign', join(folder, `${officer}.key`), '-out', signature, data),
  };
}
