/** Compiles the module that stands between keyferry and SoftHSM and writes down the wrapped keys: see canary-module.c. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOFTHSM_MODULE } from './softhsm.ts';

const SOURCE = fileURLToPath(new URL('./canary-module.c', import.meta.url));

/** Path of the shared library, in the folder given. Throws with what to install when there is no C compiler. */
export function canaryModule(folder: string): string {
  const headers = join(dirname(createRequire(import.meta.url).resolve('pkcs11js')), 'includes', 'pkcs11');
  const library = join(folder, 'canary-module.so');
  const flags = ['-shared', '-fPIC', '-w', `-I${headers}`, `-DSOFTHSM_MODULE="${SOFTHSM_MODULE}"`];
  try {
    execFileSync('cc', [...flags, '-o', library, SOURCE, '-ldl'], { stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('The secrets test needs a C compiler (apt-get install gcc libc6-dev)', { cause: error });
  }
  return library;
}
