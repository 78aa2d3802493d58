/**
 * Files that `items:` names: one folder and a pattern of `*` and `?` for the name. As in a shell, a leading dot is only matched by a dot.
 * Node 20 has no fs.glob; patterns across folders (`**`), sets and braces are left out.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { fileError } from './line-file.ts';

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Sorted by path. Rejects with `argument-invalid` for a pattern in the folder's part, `file-unreadable` for the folder. */
export async function sourceFiles(pattern: string): Promise<SourceFile[]> {
  const folder = resolve(dirname(pattern));
  if (/[*?]/.test(dirname(pattern))) {
    throw new KeyferryError('argument-invalid', `items: ${pattern} has a wildcard in its folder`, {
      hint: 'Use * and ? in the file name only.',
    });
  }
  const matches = nameMatcher(basename(pattern));
  const files: SourceFile[] = [];
  try {
    for (const name of await readdir(folder)) {
      if (matches(name)) {
        const path = join(folder, name);
        const found = await stat(path);
        if (found.isFile()) {
          files.push({ path, name, size: found.size });
        }
      }
    }
  } catch (error) {
    throw fileError(error, folder, 'cannot read the files in', 'file-unreadable');
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function nameMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name) && (!name.startsWith('.') || pattern.startsWith('.'));
}
