/** Looks ahead for the built-in steps of `file`, whose paths are mostly known before the run. */
import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Finding } from '../adapters/adapter.ts';
import type { Playbook, Step } from '../playbook/model.ts';
import { sourceFiles } from './source-files.ts';

export async function filePreview(
  step: Step,
  args: Readonly<Record<string, unknown>>,
  playbook: Playbook,
): Promise<readonly Finding[]> {
  const path = args.path;
  if ((step.action === 'shred' || step.action === 'mark') && step.block !== 'after-each') {
    // In `each` a later failure would take back the imported key, whose only other copy would be gone by then.
    return [
      { level: 'block', reason: `file.${step.action} belongs into after-each, where nothing is taken back any more` },
    ];
  }
  if (typeof path !== 'string') {
    return [];
  }
  if (step.action === 'check-folder') {
    return folderFindings(path, args.without);
  }
  if (step.action === 'read') {
    // What an earlier step writes need not be there yet.
    return writesFiles(playbook) || (await canAccess(path, constants.R_OK, 'file'))
      ? []
      : [{ level: 'block', reason: `${path} is not a file that can be read` }];
  }
  if (step.action === 'write-plaintext') {
    const left = `${path}.keyferry-part`;
    if (await isThere(path)) {
      return [{ level: 'block', reason: `${path} is there already, and is never replaced` }];
    }
    if (await isThere(left)) {
      return [
        { level: 'note', reason: `${left} is what an interrupted run left of a key in clear; it will be shredded` },
      ];
    }
  }
  return (await canAccess(dirname(path), constants.W_OK, 'folder'))
    ? []
    : [{ level: 'block', reason: `${dirname(path)} is not a folder that can be written` }];
}

/** A run that goes on finds its own files there, so what may not be there is the plan's to look for. */
async function folderFindings(path: string, without: unknown): Promise<readonly Finding[]> {
  if (!(await canAccess(path, constants.W_OK, 'folder'))) {
    return [{ level: 'block', reason: `${path} is not a folder that can be written` }];
  }
  const found = typeof without === 'string' ? await sourceFiles(join(path, without)) : [];
  const files = found.length === 1 ? 'a file' : `${found.length} files`;
  return found.length === 0
    ? []
    : [
        {
          level: 'block',
          reason: `${path} has ${files} ${without} already, which could be replaced; choose another folder`,
        },
      ];
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

const writesFiles = (playbook: Playbook): boolean =>
  [...playbook.prepare, ...playbook.each].some((step) => step.target === 'file' && step.action === 'write');

async function canAccess(path: string, mode: number, kind: 'file' | 'folder'): Promise<boolean> {
  try {
    await access(path, mode);
    const found = await stat(path);
    return kind === 'folder' ? found.isDirectory() : found.isFile();
  } catch {
    return false;
  }
}
