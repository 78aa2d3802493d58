/** What ships beside the code: the version and the playbooks. The same relative places from src/ and from dist/. */
import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

/** A file of the package's playbooks folder. */
export const packagedPlaybook = (name: string): URL => new URL(`../../playbooks/${name}`, import.meta.url);
