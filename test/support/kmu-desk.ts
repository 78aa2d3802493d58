/** key_mgmt_util as alice types at it: a cluster of two HSMs, a folder for files, and the desk of another user beside hers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openKeyMgmtUtil } from '../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { aDesk, consoleCluster, type Desk, keyHandleIn, PASSWORDS } from './console-desk.ts';

export interface KmuDesk extends Desk {
  readonly cluster: SimulatedCluster;
  /** Path of a file in a folder of this test's own. */
  file(name: string): string;
  makeAes(...flags: readonly string[]): Promise<string>;
  /** KCV as getAttribute writes it. */
  kcvOf(handle: string): Promise<string>;
  /** How many keys `findKey` with these flags shows. */
  count(flags: string): Promise<number>;
  /** The same cluster and folder. */
  as(user: string): Promise<KmuDesk>;
}

/** Closed when the test is over. */
export async function aKmuDesk(cluster?: SimulatedCluster): Promise<KmuDesk> {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-kmu-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (cluster !== undefined) return await loggedIn(cluster, folder, 'alice');
  const own = await consoleCluster();
  onTestFinished(() => own.close());
  return await loggedIn(own, folder, 'alice');
}

async function loggedIn(cluster: SimulatedCluster, folder: string, user: string): Promise<KmuDesk> {
  const desk = aDesk(openKeyMgmtUtil, cluster);
  onTestFinished(() => desk.console.close());
  await desk.type(`loginHSM -u CU -s ${user} -p ${PASSWORDS.user}`);
  const file = (name: string): string => join(folder, name);
  return {
    ...desk,
    cluster,
    file,
    makeAes: async (...flags) => keyHandleIn(await desk.type(`genSymKey -t 31 -s 32 -l key ${flags.join(' ')}`)),
    async kcvOf(handle) {
      await desk.type(`getAttribute -o ${handle} -a 371 -out ${file('kcv')}`);
      return readFileSync(file('kcv'), 'utf8');
    },
    async count(flags) {
      const shown = await desk.type(`findKey ${flags}`);
      return Number(/Total number of keys present (\d+)/.exec(shown)?.[1] ?? Number.NaN);
    },
    as: (other) => loggedIn(cluster, folder, other),
  };
}

/** The two handles that a pair is shown with. */
export function pairIn(shown: string): { readonly publicKey: string; readonly privateKey: string } {
  const [, publicKey, privateKey] = /public key handle: (\d+) {4}private key handle: (\d+)/.exec(shown) ?? [];
  if (publicKey === undefined || privateKey === undefined) throw new Error(`no pair in: ${shown}`);
  return { publicKey, privateKey };
}
