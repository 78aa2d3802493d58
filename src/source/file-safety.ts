/**
 * May keyferry trust a file? Not when others can change it, or replace it through its folder. The devices file runs code (modules,
 * commands) and secret files hold PINs. Modes only: access control lists that widen them show in the group bits on Linux.
 */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';

const GROUP_OR_OTHERS_WRITE = 0o022;
const GROUP_OR_OTHERS_READ = 0o044;
const STICKY = 0o1000;

/**
 * Rejects with `file-unreadable`, or `file-unsafe` when somebody else can write the file or any folder above it. In a sticky folder
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
  for (const start of new Set([dirname(real), dirname(path)])) requireFolders(start, path);
}

function requireFolders(start: string, path: string): void {
  let folder = start;
  while (true) {
    const stats = lstatSync(folder);
    if (!stats.isSymbolicLink()) {
      const isSticky = (stats.mode & STICKY) !== 0;
      if ((stats.mode & GROUP_OR_OTHERS_WRITE) !== 0 && !isSticky) {
        throw unsafe(`The folder ${folder} can be written by others, who could replace ${path}`);
      }
      if (isForeign(stats)) throw unsafe(`The folder ${folder} belongs to another user, who could replace ${path}`);
    }
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

/** Root may change everything anyway. */
function isForeign(stats: Stats): boolean {
  const user = process.getuid?.();
  return user !== undefined && stats.uid !== user && stats.uid !== 0;
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
