/**
 * Refuses network file systems: their locks come and go with the network, so two processes could own one run, and SQLite's shared
 * memory does not work across hosts. Known by the type numbers of statfs(2) (linux/magic.h and each file system's own header).
 * FUSE has one number for sshfs and for harmless local ones, so all of it is refused. macOS numbers its file systems otherwise: there
 * nothing is recognised.
 */
import { statfs } from 'node:fs/promises';
import { KeyferryError } from '../errors/keyferry-error.ts';

const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x0102_1997, '9P'],
  [0x6573_5546, 'FUSE (sshfs and others)'],
  [0x00c3_6400, 'Ceph'],
  [0x5346_414f, 'AFS'],
  [0x6b41_4653, 'AFS'],
  [0x7375_7245, 'Coda'],
  [0x564c, 'NCP'],
  [0x0bd0_0bd0, 'Lustre'],
  [0x4750_4653, 'GPFS'],
  [0x7461_636f, 'OCFS2'],
  [0x0116_1970, 'GFS2'],
  [0x1983_0326, 'BeeGFS'],
  [0xaad7_aaea, 'PanFS'],
  [0x786f_4256, 'a VirtualBox shared folder'],
  [0xbacb_acbc, 'a VMware shared folder'],
]);

/** The one field that is looked at. */
export type Statfs = (path: string) => Promise<{ readonly type: number }>;

/** Rejects with `state-network`. */
export async function assertLocalDisk(path: string, readStatfs: Statfs = statfs): Promise<void> {
  const { type } = await readStatfs(path);
  // Some systems give the number with its sign.
  const name = NETWORK_FILE_SYSTEMS.get(type >>> 0);
  if (name === undefined) return;
  throw new KeyferryError(
    'state-network',
    `${path} is on ${name}, whose locks cannot be trusted. Nothing was started.`,
  );
}
