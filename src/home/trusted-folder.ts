/**
 * Who could exchange what is in a folder: whoever may write it, or rename one of the folders above it. A folder with the sticky bit
 * (/tmp) lets people rename only what is theirs.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';

const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined where the platform has no users in this sense. */
export function ownIdentity(): Identity | undefined {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** `path` has no symbolic links. Rejects with `state-unsafe`. */
export async function assertTrustedFolder(path: string, identity: Identity | undefined = ownIdentity()): Promise<void> {
  if (identity === undefined) return;
  const folder = await stat(path);
  if (folder.uid !== identity.uid) {
    throw unsafe(`${path} belongs to another user (uid ${folder.uid})`, 'Name a folder of your own with --home.');
  }
  if ((folder.mode & (GROUP_WRITE | OTHERS_WRITE)) !== 0) {
    throw unsafe(`${path} can be written by others (mode ${modeOf(folder)})`);
  }
  for (let ancestor = dirname(path), below = path; ancestor !== below; below = ancestor, ancestor = dirname(ancestor)) {
    const above = await stat(ancestor);
    if (othersCanRename(above, identity)) {
      throw unsafe(
        `${ancestor}, a folder above ${path}, can be written by others (mode ${modeOf(above)})`,
        `Take the write permission away (chmod go-w ${ancestor}) or name another folder with --home.`,
      );
    }
  }
}

/** A user's own group counts as the user: with the usual umask 002 of some systems it can write every folder that the user makes. */
function othersCanRename(folder: Stats, { gid }: Identity): boolean {
  if ((folder.mode & STICKY) !== 0) return false;
  return (folder.mode & OTHERS_WRITE) !== 0 || ((folder.mode & GROUP_WRITE) !== 0 && folder.gid !== gid);
}

const modeOf = (folder: Stats): string => (folder.mode & 0o7777).toString(8).padStart(4, '0');

function unsafe(what: string, hint?: string): KeyferryError {
  return new KeyferryError('state-unsafe', `${what}. Nothing was started.`, hint === undefined ? {} : { hint });
}
