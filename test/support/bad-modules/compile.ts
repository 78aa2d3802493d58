/** Compiles the misbehaving PKCS#11 modules for tests, once per test process, into a temporary folder. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiled = new Map<string, string>();

/** Path of the shared library. Throws with what to install when there is no C compiler. */
export function badModule(source: 'bad-module' | 'no-function-list'): string {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const headers = join(dirname(createRequire(import.meta.url).resolve('pkcs11js')), 'includes', 'pkcs11');
  const library = join(mkdtempSync(join(tmpdir(), 'keyferry-bad-module-')), `${source}.so`);
  const file = fileURLToPath(new URL(`./${source}.c`, import.meta.url));
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-w', `-I${headers}`, '-o', library, file], { stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('The tests of misbehaving modules need a C compiler (apt-get install gcc libc6-dev)', {
      cause: error,
    });
  }
  compiled.set(source, library);
  return library;
}
