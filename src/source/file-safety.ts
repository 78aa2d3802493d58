/**
 * May keyferry trust a file? Not when others can change it, or replace it through its folder. The devices file runs code (modules,
 * commands) and secret files hold PINs. Modes only: access control lists that widen them show in the group bits on Linux.
 */
import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';

const GROUP_OR_OTHERS_WRITE = 0o022;
const OTHERS_WRITE = 0o002;
const GROUP_OR_OTHERS_READ = 0o044;
const STICKY = 0o1000;

/**
 * Rejects with `file-unreadable`, or `file-unsafe` when group or others can write the file or its folder, others a folder above it, or
 * (unless keyferry runs as root) one of them belongs to somebody else. In a sticky folder
 * (/tmp) others cannot replace a file or folder that is not theirs.
 */
export function requireTrustworthy(path: string, options: { readonly isSecret: boolean }): void {
  const real = resolved(path);
  const file = statSync(real);
  if (isForeign(file)) throw unsafe(`The file ${path} belongs to another user`);
  if ((file.mode & GROUP_OR_OTHERS_WRITE) !== 0) throw unsafe(`The file ${path} can be written by others`);
  if (options.isSecret && (file.mode & GROUP_OR_OTHERS_READ) !== 0) {
    throw unsafe(
      `The secret file ${path} can be read by others`,
      'Take the permission away (chmod 600), and change the secret if others may have read it.',
    );
  }
  // The way to the file as written may pass a link in a folder that others can write; so both ways are looked at.
  for (const folder of new Set([dirname(real), dirname(path)])) requireFolders(folder, path);
}

/** The file's own folder as strictly as the file; those above it are often the group's on shared machines, but never everybody's. */
function requireFolders(start: string, path: string): void {
  let folder = start;
  while (true) {
    const stats = statSync(folder);
    const isSticky = (stats.mode & STICKY) !== 0;
    const refused = folder === start ? GROUP_OR_OTHERS_WRITE : OTHERS_WRITE;
    if ((stats.mode & refused) !== 0 && !isSticky) {
      throw unsafe(`The folder ${folder} can be written by others, who could replace ${path}`);
    }
    if (isForeign(stats)) throw unsafe(`The folder ${folder} belongs to another user, who could replace ${path}`);
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

/** Root works on other users' files in containers, where ids are mapped; a file of root's is as safe as the machine. */
function isForeign(stats: Stats): boolean {
  const user = process.getuid?.();
  return user !== undefined && user !== 0 && stats.uid !== user && stats.uid !== 0;
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new KeyferryError('file-unreadable', `The file ${path} could not be read (${reason}).`, { cause });
  }
}

const unsafe = (message: string, hint?: string): KeyferryError =>
  new KeyferryError('file-unsafe', `${message}.`, hint === undefined ? {} : { hint });
