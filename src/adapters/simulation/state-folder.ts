/** The folder of a simulated device. It holds key material in clear, so nobody else may write it and a README says what it is. */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../errors/keyferry-error.ts';

const README = `State of a simulated HSM of keyferry.

The *.log files hold the keys of the simulated tokens IN CLEAR TEXT. They are for rehearsals and tests.
Never put a production key into a simulated device. Delete this folder to start with empty tokens.
`;

/** Makes the state folder (0700) and its README; refuses one that others can write. */
export function prepareStateDir(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    if ((statSync(stateDir).mode & 0o022) !== 0) {
      throw new KeyferryError('state-unsafe', `others can write the state folder of a simulated device: ${stateDir}`);
    }
    const readme = join(stateDir, 'README');
    if (!existsSync(readme)) writeFileSync(readme, README, { mode: 0o600 });
  } catch (cause) {
    if (cause instanceof KeyferryError) throw cause;
    throw new KeyferryError('state-unwritable', `the state folder of a simulated device cannot be used: ${stateDir}`, {
      cause,
    });
  }
}
