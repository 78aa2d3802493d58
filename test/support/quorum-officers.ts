/** Officers with keys of their own, whose signatures the openssl program makes, as at a ceremony. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

interface OfficerKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

const KEYS = new Map<string, OfficerKeys>();

/** An officer has the same keys in all tests of a process: making them takes longer than most tests. */
function keysOf(name: string): OfficerKeys {
  const known = KEYS.get(name);
  if (known !== undefined) return known;
  const made = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  KEYS.set(name, made);
  return made;
}

/** Only inside of a test. */
export function aCeremony(names: readonly string[] = ['officer1', 'officer2', 'admin']): Ceremony {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-quorum-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const officers: Record<string, string> = {};
  for (const name of names) {
    const { privateKey, publicKey } = keysOf(name);
    writeFileSync(join(folder, `${name}.key`), privateKey, { mode: 0o600 });
    officers[name] = join(folder, `${name}.pem`);
    writeFileSync(officers[name], publicKey);
  }
  return {
    folder,
    tokenFile: join(folder, 'user.token'),
    officers,
    sign: (officer, data, signature) =>
      openssl('dgst', '-sha256', '-sign', join(folder, `${officer}.key`), '-out', signature, data),
  };
}
